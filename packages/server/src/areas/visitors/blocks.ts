// Visitors who may not chat: by their token, and where an agent asks for it by the address they were last seen at.
// Somebody with a new token at another address is a new visitor: no server can tell (promises A40).
import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { deleteBlocksOf, insertBlock, isBlocked } from './block-store.ts'
import { originOf } from './origin.ts'
import { findLastOrigin } from './page-store.ts'
import { findVisitorById, takeVisitor, type Visitor } from './store.ts'

export { listBlocks, type Block } from './block-store.ts'

/** @throws `error-contact-channel-blocked` */
export async function refuseBlocked(
  reader: Reader,
  { token, address }: { token: string; address?: string | undefined },
): Promise<void> {
  const origin = address === undefined ? '' : originOf(address)
  if (await isBlocked(reader, { token, origin })) throw new ApiError('error-contact-channel-blocked')
}

/**
 * Blocks a visitor. Ending the open chat is the caller's: the visitor's row is taken, so none opens beside this.
 * @throws `visitor-not-found`, `error-address-unknown`
 */
export async function blockVisitor(
  tx: Transaction,
  { visitorId, ...block }: { visitorId: string; byAddress: boolean; reason: string; byId: string },
): Promise<Visitor> {
  const found = await findVisitorById(tx, visitorId)
  const visitor = found && (await takeVisitor(tx, found.token))
  if (visitor === undefined) throw new ApiError('visitor-not-found')
  const { byAddress, ...about } = block
  await insertBlock(tx, { ...about, visitorId, token: visitor.token })
  if (!byAddress) return visitor
  const origin = await findLastOrigin(tx, visitor)
  if (origin === undefined) throw new ApiError('error-address-unknown')
  await insertBlock(tx, { ...about, visitorId, origin })
  return visitor
}

/**
 * Lets a visitor chat again, also from the addresses that were blocked with the visitor.
 * @throws `visitor-not-found`
 */
export async function unblockVisitor(tx: Transaction, visitorId: string): Promise<void> {
  if (await deleteBlocksOf(tx, visitorId)) return
  if ((await findVisitorById(tx, visitorId)) === undefined) throw new ApiError('visitor-not-found')
}
