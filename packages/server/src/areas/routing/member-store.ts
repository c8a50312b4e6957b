import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

const insertKept = statement((sql, p: { id: string; roomId: string; userId: string; now: string }) =>
  sql
    .insertInto('subscription')
    .values({ id: p.id, roomId: p.roomId, userId: p.userId, joinedAt: p.now, updatedAt: p.now })
    .onConflict((conflict) => conflict.columns(['roomId', 'userId']).doNothing())
    .returning('id'),
)

/** Adds an agent to a room; answers false where the agent is in it already. */
export async function insertSubscription(tx: Transaction, roomId: string, userId: string): Promise<boolean> {
  return (await insertKept.first(tx, { id: tx.newId(), roomId, userId, now: tx.now })) !== undefined
}

const subscriptionOf = statement((sql, p: { roomId: string; userId: string }) =>
  sql.selectFrom('subscription').select('id').where('roomId', '=', p.roomId).where('userId', '=', p.userId),
)

/** Whether an agent is in a room. */
export async function isSubscribed(reader: Reader, roomId: string, userId: string): Promise<boolean> {
  return (await subscriptionOf.first(reader, { roomId, userId })) !== undefined
}

/** Everybody leaves a room. */
export async function deleteSubscriptionsOf(tx: Transaction, roomId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('subscription').where('roomId', '=', roomId))
}

/** Somebody who is in a room. */
export interface Member {
  id: string
  username: string
  name: string
}

/** Everybody but one leaves a room; answers who left. */
export async function deleteOtherSubscriptions(
  tx: Transaction,
  roomId: string,
  exceptUserId: string | undefined,
): Promise<Member[]> {
  const others = await tx.all(
    tx.sql
      .selectFrom('subscription')
      // Members stay when their accounts are removed.
      .leftJoin('user', 'user.id', 'subscription.userId')
      .select(['subscription.userId as id', 'user.username', 'user.name'])
      .where('subscription.roomId', '=', roomId)
      .where('subscription.userId', '!=', exceptUserId ?? '')
      .orderBy('subscription.joinedAt')
      .orderBy('subscription.id'),
  )
  const ids = others.map(({ id }) => id)
  if (ids.length > 0)
    await tx.run(tx.sql.deleteFrom('subscription').where('roomId', '=', roomId).where('userId', 'in', ids))
  return others.map(({ id, username, name }) => ({ id, username: username ?? id, name: name ?? '' }))
}

/** Notes on a visitor who served last (contract §B.1). */
export async function noteLastAgent(
  tx: Transaction,
  visitorId: string,
  agent: { id: string; username: string },
): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({ lastAgentId: agent.id, lastAgentUsername: agent.username, lastAgentAt: tx.now, updatedAt: tx.now })
      .where('id', '=', visitorId),
  )
}
