// Finds a PostgreSQL server for the tests, or starts one that lives as long as they run.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { dropTemplate, isAlive, makeTemplate } from './template.ts'

/** A server that answers, or the folder of the programs to start one with. */
export type FoundPostgres = { url: string } | { programs: string }

const URL_VARIABLE = 'DESKBELL_TEST_POSTGRES_URL'
const TEMPLATE_VARIABLE = 'DESKBELL_TEST_POSTGRES_TEMPLATE'
const DEBIAN = '/usr/lib/postgresql'
const FOLDER = 'deskbell-postgres-'

let stop: (() => Promise<void>) | undefined

/** Before the tests of this database: hands them its address, and the database to copy, in the environment. */
export async function setup(): Promise<void> {
  const found = await findPostgres()
  if (found === undefined)
    throw new Error(`There is no PostgreSQL: install it, or say in ${URL_VARIABLE} where one answers.`)
  const url = 'url' in found ? found.url : await start(found.programs)
  process.env[URL_VARIABLE] = url
  process.env[TEMPLATE_VARIABLE] = await makeTemplate(url)
}

/** After the tests. */
export async function teardown(): Promise<void> {
  const url = process.env[URL_VARIABLE]
  if (stop === undefined && url !== undefined) await dropTemplate(url)
  await stop?.()
}

/** The server that the environment names, else one of this machine that lets us make databases, else installed programs. */
export async function findPostgres(): Promise<FoundPostgres | undefined> {
  const named = process.env[URL_VARIABLE]
  if (named !== undefined && named !== '') return { url: named }
  for (const user of new Set(['postgres', 'root', userInfo().username])) {
    for (const database of ['postgres', 'test']) {
      const url = `postgres://${user}@127.0.0.1:5432/${database}`
      if (await answers(url)) return { url }
    }
  }
  const programs = findPrograms()
  return programs === undefined ? undefined : { programs }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  // The server may end the connection while we are asking; that is an answer too.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rowCount } = await client.query(
      'select 1 from pg_roles where rolname = current_user and (rolcreatedb or rolsuper)',
    )
    return rowCount === 1
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function findPrograms(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return [...folders, ...debianFolders()].find((folder) => isProgram(folder, 'initdb') && isProgram(folder, 'pg_ctl'))
}

/** Debian keeps them out of the PATH, a folder for each version; the newest first. */
function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
    return versions.map((version) => join(DEBIAN, version, 'bin'))
  } catch {
    return []
  }
}

function isProgram(folder: string, name: string): boolean {
  try {
    accessSync(join(folder, name), constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts a server in a folder of its own; answers its address. */
async function start(programs: string): Promise<string> {
  const owner = process.getuid?.() === 0 ? ordinaryUser() : undefined
  await clearAway(programs, owner)
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${String(process.pid)}-`))
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const log = join(folder, 'log')
  const run = async (program: string, ...words: string[]) => {
    const child = spawn(join(programs, program), words, { stdio: 'ignore', cwd: folder, ...owner })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`${program} failed with ${String(code)}: ${logText(log)}`)
  }

  stop = async () => {
    await run('pg_ctl', 'stop', '-D', data, '-m', 'immediate', '-w').catch(() => undefined)
    rmSync(folder, { recursive: true, force: true })
  }
  const port = await freePort()
  await run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync')
  // What these tests write is thrown away with the folder, so nothing needs to survive a loss of power.
  const options = `-p ${String(port)} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200`
  await run('pg_ctl', 'start', '-D', data, '-w', '-l', log, '-o', options)
  return `postgres://postgres@127.0.0.1:${String(port)}/postgres`
}

/** Stops the servers, and removes the folders, of test runs that were killed. */
async function clearAway(programs: string, owner: { uid: number; gid: number } | undefined): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(FOLDER))) {
    if (isAlive(Number.parseInt(name.slice(FOLDER.length), 10))) continue
    const folder = join(tmpdir(), name)
    const words = ['stop', '-D', join(folder, 'data'), '-m', 'immediate', '-w']
    const child = spawn(join(programs, 'pg_ctl'), words, { stdio: 'ignore', cwd: tmpdir(), ...owner })
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** PostgreSQL refuses to run as root. */
function ordinaryUser(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const ask = (what: string) => Number(execFileSync('id', [what, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {
      continue
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no other user to run it as.')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function logText(log: string): string {
  try {
    return readFileSync(log, 'utf8').slice(-2_000)
  } catch {
    return 'it wrote no log'
  }
}
