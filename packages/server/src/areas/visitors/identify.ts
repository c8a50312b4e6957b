import { ApiError } from '../../api-error.ts'
import type { Reader } from '../../database/transaction.ts'
import { findVisitorByToken, type Visitor } from './store.ts'

/** @throws `invalid-token` */
export async function requireVisitor(reader: Reader, token: string): Promise<Visitor> {
  const visitor = await findVisitorByToken(reader, token)
  if (visitor === undefined) throw new ApiError('invalid-token')
  return visitor
}
