import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { verifyPassword } from '../../passwords.ts'
import {
  changeUser,
  chooseStatus,
  findPasswordHash,
  requireUser,
  takeIfUnchanged,
  type AccountChange,
  type User,
} from '../users/users.ts'

/** What people change of their own accounts; absent keys stay as they are. */
export type OwnChange = Pick<AccountChange, 'username' | 'name' | 'email' | 'nickname' | 'bio' | 'passwordHash'> & {
  status?: string | undefined
  statusText?: string | undefined
}

/**
 * Changes the caller's own account. Another address or password needs `provenHash`, the stored hash of the password
 * that the caller has shown. A changed password ends the other sessions.
 * @throws `error-invalid-password`, `error-invalid-username`, `error-invalid-email`, `error-field-unavailable`,
 * `error-invalid-status`, `error-status-not-allowed`
 */
export async function changeOwnAccount(
  tx: Transaction,
  caller: SignedIn,
  { status, statusText: text, ...change }: OwnChange,
  provenHash: string | undefined,
): Promise<User> {
  const { email } = await requireUser(tx, caller.id)
  const isDelicate = change.passwordHash !== undefined || (change.email !== undefined && change.email !== email)
  if (isDelicate && !(await isStillProven(tx, caller.id, provenHash))) throw new ApiError('error-invalid-password')
  if (status !== undefined || text !== undefined) await chooseStatus(tx, caller, caller.id, { status, text })
  if (Object.keys(change).length > 0) await changeUser(tx, caller, caller.id, withoutDuty(change))
  return requireUser(tx, caller.id)
}

/**
 * The stored hash of the caller's password, if `given` is that password, plain or as SHA-256 in hex. Slow on purpose, so
 * it runs before any transaction.
 * @throws `error-invalid-password`
 */
export async function provePassword(reader: Reader, userId: string, given: string): Promise<string> {
  const stored = await findPasswordHash(reader, userId)
  const looksHashed = /^[0-9a-fA-F]{64}$/.test(given)
  const matches =
    (looksHashed && (await verifyPassword({ digest: given, algorithm: 'sha-256' }, stored))) ||
    (await verifyPassword(given, stored))
  if (!matches || stored === null) throw new ApiError('error-invalid-password')
  return stored
}

async function isStillProven(tx: Transaction, userId: string, provenHash: string | undefined): Promise<boolean> {
  return provenHash !== undefined && takeIfUnchanged(tx, userId, provenHash)
}

/** Who was told to choose another password has done so. */
function withoutDuty(change: AccountChange): AccountChange {
  return change.passwordHash === undefined ? change : { ...change, mustChangePassword: false }
}
