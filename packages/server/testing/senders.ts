// People who write to a server process and count on what it tells them: what it acknowledged must be there, once and in order.
import type { ProcessAnswer, ServerProcess } from './process.ts'

/** A room in which some of them write. */
export interface SharedRoom {
  id: string
  token: string
}

/** Somebody who writes one message after the other, each until it is acknowledged. */
export interface Sender {
  name: string
  room: SharedRoom
  /** The acknowledged messages, in their order: id → `ts` of the answer. */
  acknowledged: Map<string, string>
  /** Every other answer. */
  refused: ProcessAnswer[]
}

/** What is in the rooms, held against what senders were told. */
export interface Account {
  acknowledged: number
  lost: number
  doubled: number
  /** There, and never acknowledged. */
  strange: number
  disordered: number
}

/** Opens rooms, and answers so many senders, who share them evenly. */
export async function makeSenders(
  server: ServerProcess,
  { senders, rooms }: { senders: number; rooms: number },
): Promise<Sender[]> {
  const opened: SharedRoom[] = []
  for (let index = 0; index < rooms; index++) {
    const token = `visitor-of-senders-${String(index)}`
    await server.call('POST /livechat/visitor', { body: { visitor: { token } } })
    const { body } = await server.call(`GET /livechat/room?token=${token}`)
    opened.push({ id: (body as { room: { _id: string } }).room._id, token })
  }
  return Array.from({ length: senders }, (_, index) => ({
    name: `s${String(index)}`,
    room: opened[index % rooms]!,
    acknowledged: new Map<string, string>(),
    refused: [],
  }))
}

/** Writes until it is told to stop, and then until the message in hand is acknowledged. A server that is away is waited for. */
export async function keepWriting(server: () => ServerProcess, sender: Sender, isEnough: () => boolean): Promise<void> {
  const { name, room, acknowledged, refused } = sender
  while (!isEnough()) {
    const id = `${name}n${String(acknowledged.size).padStart(6, '0')}`
    const body = { token: room.token, rid: room.id, _id: id, msg: id }
    while (!acknowledged.has(id)) {
      const answer = await server()
        .call('POST /livechat/message', { body })
        .catch(() => undefined)
      if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
      else if (answer.status === 200) acknowledged.set(id, (answer.body as { message: { ts: string } }).message.ts)
      else refused.push(answer)
    }
  }
}

/** Reads every room, and holds it against what its senders were told. */
export async function settleAccount(server: ServerProcess, senders: readonly Sender[]): Promise<Account> {
  const account: Account = { acknowledged: 0, lost: 0, doubled: 0, strange: 0, disordered: 0 }
  for (const [room, inRoom] of Map.groupBy(senders, (sender) => sender.room)) {
    const told = new Map(inRoom.flatMap(({ acknowledged }) => [...acknowledged]))
    const stored = await readMessages(server, room)
    const ids = stored.map(({ _id }) => _id)
    account.acknowledged += told.size
    account.lost += [...told].filter(([id, ts]) => !stored.some((one) => one._id === id && one.ts === ts)).length
    account.doubled += ids.length - new Set(ids).size
    account.strange += ids.filter((id) => !told.has(id)).length
    account.disordered += stored.filter(({ ts }, index) => index > 0 && ts <= (stored[index - 1]?.ts ?? '')).length
    for (const { name } of inRoom) {
      const own = ids.filter((id) => id.startsWith(`${name}n`))
      account.disordered += own.filter((id, index) => index > 0 && id <= (own[index - 1] ?? '')).length
    }
  }
  return account
}

interface Stored {
  _id: string
  ts: string
  t?: string
}

/** What people said in a room, in the order of its numbers. */
async function readMessages(server: ServerProcess, { id, token }: SharedRoom): Promise<Stored[]> {
  const messages: Stored[] = []
  for (let after = 0, hasMore = true; hasMore;) {
    const path = `/livechat/messages.sync/${id}?token=${token}&after=${String(after)}&count=100`
    const { body } = await server.call(`GET ${path}`)
    const page = body as { changes: { message: Stored }[]; next: number; more: boolean }
    messages.push(...page.changes.map(({ message }) => message).filter(({ t }) => t === undefined))
    after = page.next
    hasMore = page.more
  }
  return messages
}
