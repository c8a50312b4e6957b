// `deskbell user create`: the database is opened without listening, so a running server keeps SQLite to itself.
import { text as readAll } from 'node:stream/consumers'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { ApiError } from './api-error.ts'
import { roles as knownRoles } from './areas/roles/catalogue.ts'
import { createUser, isEmail, isLongEnough, isUserId, leastPassword } from './areas/users/users.ts'
import type { NewUser } from './command-line.ts'
import type { Config } from './config.ts'
import { hashPassword } from './passwords.ts'
import { startServer } from './server.ts'

/** What a person did wrong; the text is for them. */
export class UserRefused extends Error {
  override name = 'UserRefused'
}

/**
 * Adds a user and answers the id.
 * @throws UserRefused, DataFolderInUse
 */
export async function addUser(config: Config, user: NewUser, password: string): Promise<string> {
  if (!isLongEnough(password)) throw new UserRefused(`The password needs at least ${String(leastPassword)} characters.`)
  if (!isEmail(user.email)) throw new UserRefused(`${user.email} is no e-mail address.`)
  const { id, username, name, email, roles } = user
  if (id !== undefined && !isUserId(id))
    throw new UserRefused(`${id} is no id: letters, digits, dots, dashes and underscores, 64 at most.`)
  const passwordHash = await hashPassword(password)
  const server = await startServer(config)
  try {
    const draft = { id, username, name, email, passwordHash, roles: [...new Set(['user', ...roles])] }
    return (await server.context.transact((tx) => createUser(tx, draft))).id
  } catch (error) {
    throw error instanceof ApiError ? new UserRefused(sentenceFor(error, user), { cause: error }) : error
  } finally {
    await server.close()
  }
}

/** Reads a password: asked for twice on a terminal, which does not show it; else the whole of standard input. */
export async function readPassword(input: NodeJS.ReadStream): Promise<string> {
  if (!input.isTTY) return (await readAll(input)).replace(/\r?\n$/, '')
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input, output: silent, terminal: true })
  // Raw mode hands Ctrl-C to us.
  terminal.once('SIGINT', () => process.exit(130))
  try {
    const [first, second] = [await ask(terminal, 'Password: '), await ask(terminal, 'Password again: ')]
    if (first !== second) throw new UserRefused('The two passwords differ.')
    return first
  } finally {
    terminal.close()
  }
}

async function ask(terminal: ReturnType<typeof createInterface>, question: string): Promise<string> {
  process.stderr.write(question)
  const answer = await terminal.question('')
  process.stderr.write('\n')
  return answer
}

function sentenceFor({ code, reason }: ApiError, { username, roles }: NewUser): string {
  if (code === 'error-invalid-username')
    return `${username} is no username: letters, digits, dots, dashes and underscores, 64 at most.`
  if (code !== 'error-invalid-role') return reason ?? code
  const unknown = roles.filter((role) => !Object.hasOwn(knownRoles, role))
  return `There is no role ${unknown.join(', ')}. The roles are ${Object.keys(knownRoles).join(', ')}.`
}
