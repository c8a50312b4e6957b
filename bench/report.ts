import { cpus } from 'node:os'

export type Criterion = { wanted: string; found: string; reached: boolean }

/** A table for the terminal; the first column to the left, figures to the right. */
export function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  print([line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n') + '\n')
}

export function printCriteria(criteria: readonly Criterion[]): void {
  for (const { wanted, found, reached } of criteria)
    print(`${reached ? 'reached    ' : 'NOT reached'}  ${wanted}: ${found}`)
}

export function printMachine(): void {
  print(
    `node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load generator on the same cores\n`,
  )
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function whole(figure: number): string {
  return Math.round(figure).toString()
}

export function tenths(figure: number): string {
  return figure.toFixed(1)
}

export function ratio(figure: number): string {
  return figure.toFixed(3)
}
