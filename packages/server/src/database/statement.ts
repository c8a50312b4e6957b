import type { Compilable, Kysely } from 'kysely'
import type { Tables } from './schema.ts'
import type { KeptQuery, Reader } from './transaction.ts'

/** A query built once and run often: typed parameters in, typed rows out. */
export interface Statement<Parameters, Row> {
  all(reader: Reader, parameters: Parameters): Promise<Row[]>
  first(reader: Reader, parameters: Parameters): Promise<Row | undefined>
}

/** Stands for a parameter while the query is built. */
class Placeholder {
  readonly parameter: string
  constructor(parameter: string) {
    this.parameter = parameter
  }
}

interface Compiled extends KeptQuery {
  readonly order: readonly unknown[]
}

let statements = 0

/**
 * Keeps a query that every request needs: Kysely builds and compiles it once for each database, so that running it
 * costs what raw SQL costs. `build` gets stand-ins for the parameters: it may place them, not look at them.
 */
export function statement<Parameters extends object, Row>(
  build: (sql: Kysely<Tables>, parameters: Parameters) => Compilable<Row>,
): Statement<Parameters, Row> {
  const compiledFor = new WeakMap<Kysely<Tables>, Compiled>()
  const name = `s${String(++statements)}`

  function compile(sql: Kysely<Tables>): Compiled {
    const standIns = new Proxy({}, { get: (_target, parameter) => new Placeholder(String(parameter)) }) as Parameters
    const query = build(sql, standIns).compile()
    const compiled = { sql: query.sql, name, order: query.parameters }
    compiledFor.set(sql, compiled)
    return compiled
  }

  async function all(reader: Reader, parameters: Parameters): Promise<Row[]> {
    const compiled = compiledFor.get(reader.sql) ?? compile(reader.sql)
    const values = compiled.order.map((value) =>
      value instanceof Placeholder ? (parameters as Record<string, unknown>)[value.parameter] : value,
    )
    return (await reader.runKept(compiled, values)) as Row[]
  }

  return { all, first: async (reader, parameters) => (await all(reader, parameters))[0] }
}

/**
 * Keeps a statement for each set of columns that is written: `make` gets the names of those that have a value. Meant
 * for writes whose callers name the columns in the code; a set that comes from outside would keep without end.
 */
export function keptByColumns<Kept>(make: (columns: readonly string[]) => Kept): (row: object) => Kept {
  const kept = new Map<string, Kept>()
  return (row) => {
    const columns = Object.entries(row).flatMap(([column, value]) => (value === undefined ? [] : column))
    const name = columns.join()
    const found = kept.get(name) ?? make(columns)
    kept.set(name, found)
    return found
  }
}

/** These columns of a row, for a statement that `keptByColumns` makes. */
export function pick<Row extends object>(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((column) => [column, (row as Record<string, unknown>)[column]])) as Row
}
