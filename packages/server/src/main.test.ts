import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engine, makeEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { createUser } from './areas/users/users.ts'
import { openDatabase, sqliteFile, type Database } from './database/open.ts'
import { makeNewId } from './ids.ts'
import { insertJobs } from './jobs/store.ts'
import { writeLetter } from './mail/outbox.ts'

const program = join(import.meta.dirname, '../bin/deskbell.js')
let home: TestDatabase
const running = new Set<ChildProcess>()

beforeEach(async () => void (home = await makeEmptyDatabase()))
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await home.remove()
})

interface Options {
  environment?: Record<string, string>
  input?: string
}

interface Ended {
  code: number | null
  output: string
  errors: string
}

function start(
  words: string[],
  { environment = {}, input = '' }: Options = {},
): ChildProcess & { ended: Promise<Ended> } {
  const { url, dataDir } = home
  const child = spawn(process.execPath, ['--disable-warning=FSTDEP023', program, ...words], {
    env: {
      DESKBELL_DATA_DIR: dataDir,
      DESKBELL_PORT: '0',
      DESKBELL_LOG_LEVEL: 'silent',
      ...(url !== undefined && { DESKBELL_DATABASE_URL: url }),
      ...environment,
    },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.stdin.end(input)
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(
    ([output, errors, [code]]) => ({ code: code as number | null, output, errors }),
  )
  return Object.assign(child, { ended })
}

const run = (words: string[], options?: Options) => start(words, options).ended

/** A server that is ready, and the text it printed until then. */
async function serve(environment: Record<string, string> = {}, words: string[] = []) {
  const child = start(['serve', ...words], { environment })
  let printed = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const ready = /^Deskbell is ready at (\S+)$/m.exec(printed)
      if (ready?.[1] !== undefined) resolve(ready[1])
    })
    void child.ended.then(({ errors }) => reject(new Error(errors)))
  })
  return { child, url, printed: () => printed, stop: () => (child.kill('SIGTERM'), child.ended) }
}

async function logIn(url: string, user: string, password: string): Promise<{ status: number; userId?: string }> {
  const response = await fetch(`${url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password }),
  })
  const { data } = (await response.json()) as { data?: { userId: string } }
  return { status: response.status, ...data }
}

function openHere(clock = Date.now): Promise<Database> {
  return openDatabase(
    { dataDir: home.dataDir, url: home.url },
    {
      clock,
      newId: makeNewId(clock),
      reactions: {},
      enqueue: () => Promise.resolve(),
      publish: () => undefined,
    },
  )
}

describe('deskbell serve', () => {
  test('says where it is ready, and ends well on SIGTERM although a browser keeps a connection open', async () => {
    const server = await serve()
    const agent = new Agent({ keepAlive: true })
    const request = get(`${server.url}/api/v1/me`, { agent })
    const [response] = (await once(request, 'response')) as [{ resume: () => void; statusCode: number }]
    response.resume()
    expect(response.statusCode).toBe(401)
    expect((await server.stop()).code).toBe(0)
    agent.destroy()
  })

  test('creates the configured administrator once, under the given id', async () => {
    const administrator = {
      DESKBELL_ADMIN_USERNAME: 'ada',
      DESKBELL_ADMIN_PASSWORD: 'correct horse',
      DESKBELL_ADMIN_ID: 'ada1',
    }
    const first = await serve(administrator)
    expect(await logIn(first.url, 'ada', 'correct horse')).toMatchObject({ status: 200, userId: 'ada1' })
    expect((await first.stop()).output).not.toContain('/setup')
    const second = await serve(administrator)
    expect(await logIn(second.url, 'ada', 'correct horse')).toMatchObject({ status: 200, userId: 'ada1' })
  })

  test('prints a link to create the administrator, at the address people use', async () => {
    const server = await serve({ DESKBELL_SITE_URL: 'https://chat.example.org/' })
    await expect.poll(server.printed).toMatch(/^There is no administrator yet\. Create one at \S+$/m)
    const link = /https:\/\/chat\.example\.org(\/setup\?key=\S+)/.exec(server.printed())?.[1] ?? ''
    const page = await fetch(server.url + link)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<form method="post" action="/setup">')
  })

  test('names every mistake of its configuration at once', async () => {
    const { code, errors, output } = await run(['serve', '--port', 'x'], { environment: { DESKBELL_HOTS: 'a' } })
    expect(code).toBe(2)
    expect(errors).toContain('--port must be a whole number')
    expect(errors).toContain('DESKBELL_HOTS is unknown; did you mean DESKBELL_HOST?')
    expect(output).toBe('')
  })

  test('says plainly that a port is taken', async () => {
    const { url } = await serve()
    const environment = { DESKBELL_DATA_DIR: join(home.dataDir, 'other') }
    const { code, errors } = await run(['serve', '--port', new URL(url).port], { environment })
    expect(code).toBe(1)
    expect(errors).toContain('deskbell: The port is taken.')
  })

  test.runIf(engine === 'sqlite')('keeps a data folder to itself until it is gone, killed included', async () => {
    const { child } = await serve()
    const refused = await run(['serve'])
    expect(refused.code).toBe(1)
    expect(refused.errors).toContain(`is in use by process ${String(child.pid)}.`)
    child.kill('SIGKILL')
    await child.ended
    expect((await (await serve()).stop()).code).toBe(0)
  })
})

describe('deskbell user create', () => {
  const words = ['user', 'create', '--username', 'ben', '--name', 'Ben', '--email', 'ben@example.org']

  test('adds a user whose password comes from standard input', async () => {
    const { code, output } = await run([...words, '--role', 'livechat-agent', '--id', 'ben1'], {
      input: 'correct horse\n',
    })
    expect({ code, output }).toEqual({ code: 0, output: 'Created ben with id ben1\n' })
    const server = await serve()
    expect(await logIn(server.url, 'ben', 'correct horse')).toMatchObject({ status: 200, userId: 'ben1' })
  })

  test('an administrator made this way needs no set-up link', async () => {
    await run([...words, '--role', 'admin'], { input: 'correct horse' })
    const server = await serve()
    expect((await server.stop()).output).not.toContain('/setup')
  })

  test.each([
    [[...words, '--role', 'king'], 'correct horse', 'There is no role king. The roles are admin,'],
    [[...words, '--role', 'constructor'], 'correct horse', 'There is no role constructor.'],
    [[...words, '--role', 'admin'], 'short', 'The password needs at least 8 characters.'],
    [[...words, '--role', 'user', '--id', '..'], 'correct horse', '.. is no id: letters, digits, dots,'],
  ])('%j with password %j is refused: %s', async (refused, input, sentence) => {
    const { code, errors } = await run(refused, { input })
    expect(code).toBe(1)
    expect(errors).toContain(`deskbell: ${sentence}`)
  })

  test('refuses a name that is taken', async () => {
    await run([...words, '--role', 'user'], { input: 'correct horse' })
    const { code, errors } = await run([...words, '--role', 'user'], { input: 'correct horse' })
    expect({ code, errors }).toEqual({ code: 1, errors: 'deskbell: ben is already in use :(\n' })
  })

  test('refuses an id that is taken, and says that it is the id', async () => {
    await run([...words, '--role', 'user', '--id', 'ben.1'], { input: 'correct horse' })
    const others = words.map((word) => word.replace('ben', 'bert'))
    const { code, errors } = await run([...others, '--role', 'user', '--id', 'ben.1'], { input: 'correct horse' })
    expect({ code, errors }).toEqual({ code: 1, errors: 'deskbell: ben.1 is already in use :(\n' })
  })

  test('needs a stopped server on SQLite, and none on Postgres', async () => {
    const server = await serve()
    const { code, errors } = await run([...words, '--role', 'user'], { input: 'correct horse' })
    if (engine === 'sqlite') expect(errors).toContain(`is in use by process ${String(server.child.pid)}.`)
    else expect(await logIn(server.url, 'ben', 'correct horse')).toMatchObject({ status: 200 })
    expect(code).toBe(engine === 'sqlite' ? 1 : 0)
  })
})

describe('deskbell doctor', () => {
  test('finds nothing wrong with a server that runs', async () => {
    const { child } = await serve()
    const { code, output } = await run(['doctor'])
    const states = output.match(/^(ok|warn|fail) +\S+( \S+)?/gm)?.map((line) => line.replace(/ +/, ' ').trim())
    expect(code).toBe(0)
    expect(states?.filter((line) => !line.startsWith('warn disk'))).toEqual(
      expect.arrayContaining([
        'ok configuration',
        'ok data folder',
        'ok lock',
        'ok database',
        'ok migrations',
        'ok jobs',
        'ok clock',
      ]),
    )
    if (engine === 'sqlite') expect(output).toContain(`is held by process ${String(child.pid)}`)
  })

  test('creates nothing where no server ever ran', async () => {
    rmSync(home.dataDir, { recursive: true })
    const { code, output } = await run(['doctor'])
    expect(code).toBe(0)
    expect(output).toMatch(/^warn {2}data folder .* does not exist$/m)
    expect(existsSync(home.dataDir)).toBe(false)
  })

  test('reports jobs that were given up, with their reason', async () => {
    const database = await openHere()
    await database.transact((tx) =>
      tx.run(
        tx.sql.insertInto('job').values({
          id: 'j1',
          name: 'mail-transcript',
          data: '{}',
          runAt: tx.now,
          uniqueKey: null,
          attempts: 10,
          leaseUntil: null,
          parkedAt: tx.now,
          lastError: 'no route to host',
          createdAt: tx.now,
        }),
      ),
    )
    await database.close()
    const { code, output } = await run(['doctor'])
    expect(code).toBe(0)
    expect(output).toMatch(/^warn {2}jobs .*1 × mail-transcript given up after many tries: no route to host$/m)
  })

  test('says where letters go, and how many have not gone', async () => {
    const without = await run(['doctor'])
    expect(without.output).toMatch(/^warn {2}mail +is not configured: letters are dropped$/m)
    const database = await openHere()
    await database.transact(async (tx) => {
      await writeLetter(tx, { recipient: 'a@b.example', subject: '', text: '', html: '', purpose: 'test' })
      await insertJobs(tx, [{ name: 'send-mail', data: { mailId: 'm1' } }])
      await tx.run(tx.sql.updateTable('job').set({ parkedAt: tx.now, lastError: 'no route to host' }))
    })
    await database.close()
    const environment = {
      DESKBELL_SMTP_URL: 'smtp://desk:hunter22@mail.example.org:2525',
      DESKBELL_MAIL_FROM: 'desk@example.org',
    }
    const { output } = await run(['doctor'], { environment })
    expect(output).toMatch(/^ok {4}mail +goes out through mail\.example\.org:2525 from desk@example\.org$/m)
    expect(output).toMatch(/^warn {2}letters +1 not handed over yet, 1 of them given up$/m)
    expect(output).not.toContain('hunter22')
  })

  test('fails when the clock is behind the data', async () => {
    const database = await openHere(() => Date.now() + 3_600_000)
    const account = { username: 'ann', name: 'Ann', passwordHash: null, roles: ['user'] }
    await database.transact((tx) => createUser(tx, account))
    await database.close()
    const { code, output } = await run(['doctor'])
    expect(code).toBe(1)
    expect(output).toMatch(/^fail {2}clock .* is 60 min before the newest data$/m)
  })

  test('tells every mistake of the configuration', async () => {
    const { code, output } = await run(['doctor'], { environment: { DESKBELL_PORT: 'x', DESKBELL_TRUST_PROXY: 'y' } })
    expect(code).toBe(1)
    expect(output.match(/^fail {2}configuration /gm)).toHaveLength(2)
  })

  test('a database that cannot be used is a failure with an advice', async () => {
    const broken = engine === 'sqlite' ? {} : { DESKBELL_DATABASE_URL: 'postgres://deskbell:hunter22@127.0.0.1:1/none' }
    if (engine === 'sqlite') writeFileSync(join(home.dataDir, 'deskbell.sqlite'), 'this is no database'.repeat(100))
    const { code, output } = await run(['doctor'], { environment: broken })
    expect(code).toBe(1)
    expect(output).toMatch(/^fail {2}database .+\n {21}\S/m)
    expect(output).not.toContain('hunter22')
  })

  test.runIf(engine === 'sqlite')('changes nothing in the data', async () => {
    await (await openHere()).close()
    const before = readFileSync(sqliteFile(home.dataDir))
    expect((await run(['doctor'])).code).toBe(0)
    expect(readFileSync(sqliteFile(home.dataDir)).equals(before)).toBe(true)
    expect(existsSync(join(home.dataDir, 'deskbell.lock'))).toBe(false)
  })
})

describe('the command line', () => {
  test('shows help and version, and refuses what it does not know', async () => {
    const [help, version, wrong] = await Promise.all([run(['--help']), run(['--version']), run(['srve'])])
    expect(help.code).toBe(0)
    expect(help.output).toContain('Usage: deskbell <command>')
    expect(version.code).toBe(0)
    expect(version.output).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(wrong.code).toBe(2)
    expect(wrong.errors).toContain('did you mean "serve"?')
  })
})
