import { ApiError } from '../../api-error.ts'
import type { Reader } from '../../database/transaction.ts'
import { findUserByEmail, findUserById, findUserByUsername, type User } from './store.ts'

/** An account by its id or, without one, by its username. */
export interface UserKey {
  userId?: string | undefined
  username?: string | undefined
}

/** @throws `error-invalid-user` */
export async function requireUser(reader: Reader, id: string): Promise<User> {
  const user = await findUserById(reader, id)
  if (user === undefined) throw new ApiError('error-invalid-user')
  return user
}

/**
 * Finds an account by id or username.
 * @throws `error-user-param-not-provided`
 */
export async function findUser(reader: Reader, { userId, username }: UserKey): Promise<User | undefined> {
  if (userId !== undefined) return findUserById(reader, userId)
  if (username !== undefined) return findUserByUsername(reader, username)
  throw new ApiError('error-user-param-not-provided')
}

/** Finds the account behind what a person typed to sign in: a username or an e-mail address. */
export async function findUserByLogin(reader: Reader, login: string): Promise<User | undefined> {
  return (await findUserByUsername(reader, login)) ?? (await findUserByEmail(reader, login))
}
