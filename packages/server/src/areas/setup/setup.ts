// The first administrator: from the configuration, or from whoever opens the link that the server prints once.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ApiError } from '../../api-error.ts'
import { ConfigError, type Config } from '../../config.ts'
import type { Context } from '../../context.ts'
import type { Reader, Transact, Transaction } from '../../database/transaction.ts'
import { touchVersion } from '../../database/versioned.ts'
import { hashPassword } from '../../passwords.ts'
import { createUser, isEmail, isLongEnough, isUsername, leastPassword } from '../users/users.ts'
import { hasAdministrator } from './store.ts'

/** What the form asks for; all of it as typed. */
export interface AdministratorForm {
  username: string
  name: string
  email: string
  password: string
  repeated: string
}

export type FormProblems = Partial<Record<keyof AdministratorForm, string>>

/** The way to the first administrator, while there is none. */
export interface Setup {
  /** The key of the link; absent when the server had an administrator at its start. */
  key?: string
  isOpenWith(reader: Reader, key: string): Promise<boolean>
}

const roles = ['user', 'admin']

/** Sees to it that the server gets an administrator: creates the configured one, else makes the key of a link. */
export async function prepareSetup({ read, transact, config }: Context): Promise<Setup> {
  if (await hasAdministrator(read)) return { isOpenWith: () => Promise.resolve(false) }
  if (config.firstAdmin !== undefined) {
    await createConfigured(transact, config.firstAdmin)
    return { isOpenWith: () => Promise.resolve(false) }
  }
  // In memory only: a stolen backup must not hold a key to the next start.
  const key = randomBytes(24).toString('base64url')
  return { key, isOpenWith: async (reader, given) => isSame(given, key) && !(await hasAdministrator(reader)) }
}

async function createConfigured(transact: Transact, admin: NonNullable<Config['firstAdmin']>): Promise<void> {
  const account = await accountOf(admin)
  try {
    await transact((tx) => createFirstAdministrator(tx, account))
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    throw new ConfigError([`the administrator of DESKBELL_ADMIN_USERNAME cannot be created: ${refusal}`])
  }
}

/** What is wrong with a form; nothing in it when it may be sent on. */
export function findProblems(form: AdministratorForm): FormProblems {
  return {
    ...(!isUsername(form.username) && {
      username: 'Use letters, digits, dots, dashes and underscores (64 at most).',
    }),
    ...(form.name.trim() === '' && { name: 'Say how you want to be called.' }),
    ...(!isEmail(form.email) && { email: 'This is no e-mail address.' }),
    ...(!isLongEnough(form.password) && { password: `Use at least ${String(leastPassword)} characters.` }),
    ...(form.repeated !== form.password && { repeated: 'The two passwords differ.' }),
  }
}

/** Creates the administrator of a form without problems; false when somebody else was faster. */
export async function createFromForm({ transact }: Context, form: AdministratorForm): Promise<boolean> {
  const account = await accountOf(form)
  return transact((tx) => createFirstAdministrator(tx, account))
}

type Account = Parameters<typeof createUser>[1]

async function accountOf(admin: NonNullable<Config['firstAdmin']> & { name?: string }): Promise<Account> {
  const { id, username, name = username, email, password } = admin
  return { id, username, name, email, passwordHash: await hashPassword(password), roles }
}

async function createFirstAdministrator(tx: Transaction, account: Account): Promise<boolean> {
  // Takes a row, so that of two at the same time the second sees the administrator of the first.
  await touchVersion(tx, 'first-administrator')
  if (await hasAdministrator(tx)) return false
  await createUser(tx, account)
  return true
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** The sentence for the person at the form, when creating the account was refused. */
export function refusalOf(error: unknown): string | undefined {
  return error instanceof ApiError ? (error.reason ?? error.code) : undefined
}
