// Bad networks: whatever happens to connections, each side ends with everything that was said, once and in order.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat } from '../testing/conversation.ts'
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts'
import { startOldClient } from '../testing/old-client.ts'
import { isEvent, rideStorm } from '../testing/storm.ts'
import { judge, sumOf, untilShown, type Conversation, type StoredMessage } from '../testing/talker.ts'
import { startTestServer, type TestServer } from '../testing/testing.ts'

const nothingWrong = { lost: 0, missed: 0, doubled: 0, disordered: 0 }

describe('conversations over a network that drops, delays, doubles, cuts and half-opens', () => {
  let desk: TestServer
  let proxy: FaultProxy
  beforeAll(async () => {
    desk = await startTestServer()
    proxy = await startFaultProxy(await desk.listen(), { seed: 4, meddlesWith: isEvent })
  })
  afterAll(async () => {
    await proxy.close()
    await desk.stop()
  })

  test('of clients that know no change numbers lose, double and reorder nothing', { timeout: 120_000 }, async () => {
    const conversations: Conversation[] = []
    for (let index = 0; index < 4; index++) {
      const agent = await desk.agent()
      const { rid, token } = await openChat(desk)
      const talkers = {
        visitor: startOldClient({ url: proxy.url, rid, as: { token } }),
        agent: startOldClient({ url: proxy.url, rid, as: { headers: agent.headers } }),
      }
      await Promise.all(Object.values(talkers).map((talker) => untilShown(talker, () => talker.isOnline())))
      conversations.push({ rid, token, ...talkers, accepted: new Map() })
    }
    await rideStorm({ proxy, conversations, disconnects: 60, seed: 4 })
    const verdicts = []
    for (const conversation of conversations) verdicts.push(judge(conversation, await readStored(desk, conversation)))
    for (const { visitor, agent } of conversations) for (const talker of [visitor, agent]) talker.end()
    expect(sumOf(verdicts)).toEqual(nothingWrong)
  })
})

/** Everything in a room, in its order, asked for on a good connection. */
async function readStored(desk: TestServer, { rid, token }: Conversation): Promise<StoredMessage[]> {
  const stored: (StoredMessage & { ts: string })[] = []
  for (let after = 0, more = true; more;) {
    const query = { token, after: String(after), count: '100' }
    const page = await desk.anyone.call('GET /livechat/messages.sync/:rid', { params: { rid }, query })
    for (const { message } of page.changes) if (message !== undefined) stored.push(message)
    after = page.next
    more = page.more
  }
  return stored.sort((one, other) => (one.ts < other.ts ? -1 : 1))
}
