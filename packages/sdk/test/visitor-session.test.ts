import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isLivechatError, memoryStorage, openVisitorSession } from '../src/sdk.ts'
import type { KeyValueStorage, VisitorEvent, VisitorSession, VisitorSessionOptions, VisitorState } from '../src/sdk.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer } from '../src/testing/testing.ts'

let clock: FakeClock
let server: FakeServer
const sessions: VisitorSession[] = []

beforeEach(() => {
  clock = fakeClock()
  server = fakeServer({ clock })
})
afterEach(async () => {
  for (const session of sessions.splice(0)) session.end()
  vi.unstubAllGlobals()
  await clock.settle()
  expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
})

async function open(options: Partial<VisitorSessionOptions> = {}): Promise<VisitorSession> {
  const session = await openVisitorSession({ ...server.connection, token: 'vera', ...options })
  sessions.push(session)
  await clock.settle()
  return session
}

/** A session with an open room. */
async function talk(options: Partial<VisitorSessionOptions> = {}): Promise<VisitorSession> {
  const session = await open(options)
  session.send('Hello')
  await clock.settle()
  return session
}

/** Everything a session tells of these types, from now on. */
function listen(session: VisitorSession, ...types: VisitorEvent['type'][]): VisitorEvent[] {
  const events: VisitorEvent[] = []
  for (const type of types) session.on(type, (event) => events.push(event))
  return events
}

const said = ({ messages }: VisitorState) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
const operations = () => server.calls.map(({ operation }) => operation)
const sends = () => server.calls.filter(({ operation }) => operation === 'POST /livechat/message')
const idsSent = () => sends().map(({ given }) => given['_id'])

describe('a room', () => {
  test('is opened by the first send, and by nothing before', async () => {
    const session = await open({ name: 'Vera', email: 'vera@example.org' })
    expect(session.state).toMatchObject({ isLoaded: true, isDeskOnline: true, room: undefined })
    expect(new Set(operations())).toEqual(new Set(['GET /livechat/config']))
    const events = listen(session, 'room', 'message')
    session.send('Hello')
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello'])
    expect(events[0]).toMatchObject({ type: 'room', room: { rid: server.rooms[0], isOpen: true } })
    // It was opened just now, so everything in it is news.
    expect(events.slice(1).every((event) => event.type === 'message' && !event.isEarlier)).toBe(true)
    expect(session.state.agent).toMatchObject({ username: 'anna' })
  })

  test('that is open is found after a reload, with what was said in it', async () => {
    const first = await talk()
    server.agent.reply('How can I help?')
    await clock.settle()
    first.end()
    const session = await openVisitorSession({ ...server.connection, token: 'vera' })
    sessions.push(session)
    const events = listen(session, 'message')
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello', 'How can I help?'])
    expect(events.every((event) => event.type === 'message' && event.isEarlier)).toBe(true)
    expect(server.rooms).toHaveLength(1)
  })

  test('that the agent closes is closed here, and the next send opens another', async () => {
    const session = await talk()
    const events = listen(session, 'room-closed', 'room')
    server.agent.closeRoom()
    await clock.settle()
    expect(session.state.room).toEqual({ rid: server.rooms[0], isOpen: false })
    expect(events).toEqual([{ type: 'room-closed', rid: server.rooms[0] }])
    session.send('Hello again')
    await clock.settle()
    expect(server.rooms).toHaveLength(2)
    expect(session.state.room).toMatchObject({ rid: server.rooms[1], isOpen: true })
    expect(said(session.state)).toEqual(['Hello again'])
  })

  test('that was closed while the visitor was away is told closed, with its last words', async () => {
    const session = await talk()
    const events = listen(session, 'room-closed')
    const end = server.faults.unreachable()
    server.agent.reply('Goodbye')
    server.agent.closeRoom()
    await clock.advance(60_000)
    expect(events).toEqual([])
    end()
    await clock.advance(15_000)
    expect(events).toEqual([{ type: 'room-closed', rid: server.rooms[0] }])
    expect(said(session.state)).toEqual(['Hello', 'Goodbye'])
  })

  test('is closed by the visitor, and rated', async () => {
    const session = await talk()
    const events = listen(session, 'room-closed')
    await session.close()
    expect(events).toEqual([{ type: 'room-closed', rid: server.rooms[0] }])
    expect(session.state.messages.at(-1)?.t).toBe('livechat-close')
    await session.rate({ satisfaction: '5' })
    expect(server.calls.at(-1)).toMatchObject({
      operation: 'POST /livechat/room.survey',
      given: { data: [{ name: 'satisfaction', value: '5' }] },
    })
    await session.close()
    expect(events).toHaveLength(1)
  })

  test('is needed for an edit, a rating and the history', async () => {
    const session = await open()
    const refusal = { name: 'LivechatError', code: 'no-room', retryable: false }
    await expect(session.edit('m1', 'x')).rejects.toMatchObject(refusal)
    await expect(session.rate({ satisfaction: '5' })).rejects.toMatchObject(refusal)
    await expect(session.history().next()).rejects.toMatchObject(refusal)
  })
})

describe('what changed while the visitor was away', () => {
  test('is told after the reconnect: messages, an edit, a deletion', async () => {
    const session = await talk()
    const first = server.agent.reply('Frist')
    const second = server.agent.reply('Wrong room')
    await clock.settle()
    const events = listen(session, 'message', 'message-changed', 'message-deleted')
    server.faults.cut(1001)
    server.agent.edit(first._id, 'First')
    server.agent.remove(second._id)
    server.agent.reply('Third')
    await clock.advance(15_000)
    expect(said(session.state)).toEqual(['Hello', 'First', 'Third'])
    expect(events).toMatchObject([
      { type: 'message-changed', message: { msg: 'First' } },
      { type: 'message', message: { msg: 'Third' }, isEarlier: false },
      { type: 'message-deleted', _id: second._id },
    ])
  })

  test('is told where sockets do not come through at all', async () => {
    const session = await talk()
    server.faults.refuseSockets()
    server.faults.cut()
    await clock.advance(1_000)
    server.agent.reply('Do you hear me?')
    await clock.advance(30_000)
    expect(session.state.connection.status).toBe('server-unreachable')
    expect(said(session.state)).toEqual(['Hello', 'Do you hear me?'])
  })

  test('is more than a page', async () => {
    const session = await talk()
    const events = listen(session, 'message')
    server.faults.cut()
    const lines = Array.from({ length: 250 }, (_, line) => `line ${line}`)
    for (const line of lines) server.agent.reply(line)
    await clock.advance(15_000)
    expect(said(session.state)).toEqual(['Hello', ...lines])
    expect(events).toHaveLength(250)
  })

  test('includes agent, queue and desk', async () => {
    const session = await talk()
    const events = listen(session, 'agent', 'desk')
    const end = server.faults.unreachable()
    server.agent.giveBack()
    server.agent.setOnline(false)
    await clock.advance(60_000)
    expect(events).toEqual([])
    end()
    await clock.advance(15_000)
    expect(session.state).toMatchObject({ agent: undefined, isDeskOnline: false })
    expect(events.map(({ type }) => type).sort()).toEqual(['agent', 'desk'])
  })
})

test('a hole in the live numbers is filled without a reconnect', async () => {
  const session = await talk()
  server.faults.toClient.drop({ times: 1, only: ({ collection }) => collection === 'stream-room-messages' })
  server.agent.reply('lost on the way')
  await clock.settle()
  expect(said(session.state)).toEqual(['Hello'])
  server.agent.reply('arrived')
  await clock.settle()
  expect(said(session.state)).toEqual(['Hello', 'lost on the way', 'arrived'])
  expect(session.state.connection.status).toBe('online')
  expect(operations().filter((operation) => operation === 'GET /livechat/messages.sync/:rid')).toHaveLength(1)
})

describe('a send', () => {
  test('answers at once, with the id that the message keeps', async () => {
    const session = await open()
    const events = listen(session, 'outbox')
    const item = session.send('Hello')
    expect(item).toMatchObject({ msg: 'Hello', state: 'pending' })
    expect(session.state.outbox).toEqual([item])
    await clock.settle()
    expect(session.state.outbox).toEqual([])
    expect(session.state.messages.find(({ msg }) => msg === 'Hello')?._id).toBe(item._id)
    expect(events.map((event) => event.type === 'outbox' && event.item.state).at(-1)).toBe('sent')
  })

  test('whose answer is lost is repeated with its id, and said once', async () => {
    const session = await talk()
    server.faults.toClient.drop({ only: ({ collection }) => collection === 'stream-room-messages' })
    server.faults.http.loseAnswer({ times: 3, operation: 'POST /livechat/message' })
    session.send('Once')
    await clock.advance(60_000)
    expect(said(session.state)).toEqual(['Hello', 'Once'])
    expect(server.messages().filter(({ msg }) => msg === 'Once')).toHaveLength(1)
    expect(new Set(idsSent().slice(1)).size).toBe(1)
    expect(idsSent()).toHaveLength(5)
  })

  test('whose answer is lost is not repeated once it was heard on the socket', async () => {
    const session = await talk()
    server.faults.http.loseAnswer({ operation: 'POST /livechat/message' })
    session.send('Once')
    await clock.advance(60_000)
    expect(said(session.state)).toEqual(['Hello', 'Once'])
    expect([session.state.outbox, idsSent().length]).toEqual([[], 2])
  })

  test('waits as long as Retry-After says', async () => {
    const session = await talk()
    server.faults.http.refuse(429, { times: 1, retryAfter: 30, operation: 'POST /livechat/message' })
    session.send('Patience')
    await clock.advance(29_999)
    expect(sends()).toHaveLength(2)
    await clock.advance(3_001)
    expect(said(session.state)).toEqual(['Hello', 'Patience'])
  })

  test('is tried as long as the server is away, and goes at once when it is back', async () => {
    const session = await talk()
    const end = server.faults.unreachable()
    session.send('Are you there?')
    await clock.advance(3_600_000)
    expect(session.state.outbox).toMatchObject([{ msg: 'Are you there?', state: 'pending' }])
    end()
    await clock.advance(15_000)
    expect(said(session.state)).toEqual(['Hello', 'Are you there?'])
  })

  test('keeps the order, whatever fails', async () => {
    const session = await talk()
    server.faults.http.refuse(503, { times: 4, operation: 'POST /livechat/message' })
    for (const text of ['one', 'two', 'three']) session.send(text)
    await clock.advance(120_000)
    expect(
      server
        .messages()
        .filter(({ t }) => t === undefined)
        .map(({ msg }) => msg),
    ).toEqual(['Hello', 'one', 'two', 'three'])
  })

  test('that the server refuses fails with its words, and the next one goes on', async () => {
    const session = await talk()
    server.faults.http.refuse(400, { times: 1, operation: 'POST /livechat/message' })
    const item = session.send('refused')
    session.send('taken')
    await clock.settle()
    expect(session.state.outbox).toMatchObject([{ _id: item._id, state: 'failed', error: { status: 400 } }])
    expect(said(session.state)).toEqual(['Hello', 'taken'])
  })

  test('that makes the server fail is given up after five attempts', async () => {
    const session = await talk()
    server.faults.http.refuse(500, { operation: 'POST /livechat/message' })
    session.send('poison')
    await clock.advance(120_000)
    expect(sends()).toHaveLength(6)
    expect(session.state.outbox).toMatchObject([{ state: 'failed', error: { status: 500 } }])
  })

  test('that failed is retried with its id, or discarded', async () => {
    const session = await talk()
    server.faults.http.refuse(400, { times: 2, operation: 'POST /livechat/message' })
    const one = session.send('one')
    const two = session.send('two')
    await clock.settle()
    const events = listen(session, 'outbox')
    session.discard(two._id)
    session.retry(one._id)
    session.retry('nothing')
    session.discard('nothing')
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello', 'one'])
    expect(session.state.outbox).toEqual([])
    expect(idsSent().slice(1)).toEqual([one._id, two._id, one._id])
    expect(events[0]).toMatchObject({ isDiscarded: true, item: { _id: two._id } })
  })

  test('on its way into a room that was closed meanwhile fails; retried, it opens another', async () => {
    const session = await talk()
    const end = server.faults.unreachable()
    const item = session.send('One more thing')
    server.agent.closeRoom()
    end()
    await clock.advance(15_000)
    expect(session.state.outbox).toMatchObject([{ state: 'failed', error: { code: 'room-closed' } }])
    expect(server.rooms).toHaveLength(1)
    session.retry(item._id)
    await clock.settle()
    expect(server.messages(server.rooms[1]).find(({ msg }) => msg === 'One more thing')?._id).toBe(item._id)
  })

  test('while nobody is there fails and says so', async () => {
    const session = await open()
    server.agent.setOnline(false)
    session.send('Hello?')
    await clock.settle()
    expect(session.state.outbox).toMatchObject([{ state: 'failed', error: { code: 'no-agent-online' } }])
    expect(session.state.isDeskOnline).toBe(false)
  })

  test('of nothing is refused', async () => {
    const session = await open()
    expect(() => session.send('')).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})

describe('the outbox', () => {
  test('survives a reload: what was on its way arrives with its id, what failed is there to be retried', async () => {
    const storage = memoryStorage()
    const first = await talk({ storage })
    server.faults.http.refuse(400, { times: 1, operation: 'POST /livechat/message' })
    const failed = first.send('failed')
    await clock.settle()
    const end = server.faults.unreachable()
    const pending = first.send('pending')
    await clock.settle()
    first.end()
    end()
    const session = await open({ storage })
    expect(said(session.state)).toEqual(['Hello', 'pending'])
    expect(session.state.messages.at(-1)?._id).toBe(pending._id)
    expect(session.state.outbox).toMatchObject([{ _id: failed._id, state: 'failed', error: { status: 400 } }])
    session.retry(failed._id)
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello', 'pending', 'failed'])
    session.end()
    const third = await open({ storage })
    expect(third.state.outbox).toEqual([])
  })

  test('reads nothing that it did not write', async () => {
    for (const text of ['{', '{}', '[null, 7, {"_id":1}, {"_id":"a","msg":"x","ts":"t","state":"odd"}]']) {
      const storage = memoryStorage()
      await storage.set('deskbell:https://fake.desk:outbox:vera', text)
      expect((await open({ storage })).state.outbox).toEqual([])
    }
  })

  test('does without a storage that fails', async () => {
    const broken = () => Promise.reject(new Error('full'))
    const warnings: string[] = []
    const logger = { debug: () => undefined, warn: (text: string) => void warnings.push(text) }
    const session = await talk({ storage: { get: broken, set: broken, remove: broken, isPrivate: true }, logger })
    expect(said(session.state)).toEqual(['Hello'])
    expect(warnings).toContain('The storage of the outbox failed.')
  })
})

describe('the token', () => {
  test('is made once and kept, too long to be guessed', async () => {
    const storage = memoryStorage()
    const { token } = await open({ token: undefined, storage })
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect((await open({ token: undefined, storage })).token).toBe(token)
    expect((await open({ token: undefined, storage: memoryStorage() })).token).not.toBe(token)
  })

  test('of two tabs that are opened together is the same', async () => {
    const storage = slow(sharedStorage())
    const tabs = await Promise.all([1, 2, 3].map(() => openVisitorSession({ ...server.connection, storage })))
    sessions.push(...tabs)
    expect(new Set(tabs.map(({ token }) => token)).size).toBe(1)
    await clock.settle()
  })
})

describe('two tabs', () => {
  test.each([
    ['that can agree', false],
    ['that cannot', true],
  ])('%s say everything once', async (_, isOld) => {
    if (isOld) vi.stubGlobal('navigator', {})
    const storage = sharedStorage()
    const [one, other] = [await talk({ storage }), await open({ storage })]
    const end = server.faults.unreachable()
    one.send('from one')
    await clock.settle()
    other.send('from the other')
    await clock.advance(20_000)
    end()
    await clock.advance(20_000)
    await untilSo(other, (state) => said(state).length === 3 && state.outbox.length === 0)
    await untilSo(one, (state) => said(state).length === 3 && state.outbox.length === 0)
    expect(said(one.state).sort()).toEqual(['Hello', 'from one', 'from the other'])
    expect(said(other.state)).toEqual(said(one.state))
    expect(server.messages().filter(({ t }) => t === undefined)).toHaveLength(3)
  })

  test('find the conversation that the other has opened', async () => {
    const storage = sharedStorage()
    const [one, other] = [await open({ storage }), await open({ storage })]
    one.send('Hello')
    await untilSo(other, (state) => said(state).includes('Hello') && state.agent?.name === 'Anna')
    server.agent.closeRoom()
    await untilSo(other, ({ room }) => room?.isOpen === false)
    other.send('Again')
    for (const tab of [one, other]) await untilSo(tab, (state) => said(state).includes('Again'))
    expect([one.state.room, one.state.outbox]).toEqual([other.state.room, []])
  })

  test('show what the other sends, and one of them sends it', async () => {
    const storage = sharedStorage()
    const [one, other] = [await talk({ storage }), await open({ storage })]
    server.faults.http.refuse(400, { times: 1, operation: 'POST /livechat/message' })
    const item = other.send('mine')
    await untilSo(one, ({ outbox }) => outbox[0]?.state === 'failed')
    await untilSo(other, ({ outbox }) => outbox[0]?.state === 'failed')
    // Either may try again or take it back.
    one.retry(item._id)
    await untilSo(other, (state) => said(state).includes('mine') && state.outbox.length === 0)
    expect(idsSent().filter((id) => id === item._id)).toHaveLength(2)
  })

  test('go on with one: what the tab that was closed had not sent, the other sends', async () => {
    const storage = sharedStorage()
    const [one, other] = [await talk({ storage }), await open({ storage })]
    const end = server.faults.unreachable()
    const item = one.send('orphan')
    await untilSo(other, ({ outbox }) => outbox.length === 1)
    one.end()
    end()
    await clock.advance(20_000)
    const { messages } = await untilSo(other, (state) => said(state).includes('orphan'))
    expect(messages.at(-1)?._id).toBe(item._id)
  })
})

describe('typing', () => {
  const activities = () =>
    server.calls.length === 0
      ? []
      : told.filter(({ method }) => method === 'stream-notify-room').map(({ params }) => params)
  let told: { method: string; params: unknown[] }[] = []

  /** What a session says over its socket. */
  function overhear() {
    told = []
    class Overheard extends (server.WebSocket as unknown as new (url: string) => { send(text: string): void }) {
      override send(text: string) {
        told.push(JSON.parse(text))
        super.send(text)
      }
    }
    return { WebSocket: Overheard as unknown as typeof WebSocket }
  }

  test('is passed on at most every four and a half seconds, and ends after five of rest', async () => {
    const session = await talk(overhear())
    for (let key = 0; key < 40; key++) {
      session.typing(true)
      await clock.advance(250)
    }
    const key = `${String(server.rooms[0])}/user-activity`
    const [, username] = activities()[0] as string[]
    const typing = [key, username, ['user-typing'], { token: 'vera' }]
    expect(activities()).toEqual([typing, typing, typing])
    await clock.advance(5_000)
    expect(activities().at(-1)).toEqual([key, username, [], { token: 'vera' }])
    expect(activities()).toHaveLength(4)
  })

  test('ends with a send', async () => {
    const session = await talk(overhear())
    session.typing(true)
    session.send('done')
    await clock.advance(60_000)
    expect(activities().map((params) => params[2])).toEqual([['user-typing'], []])
  })

  test('of the agent is told, and forgotten after fifteen seconds of silence', async () => {
    const session = await talk()
    const events = listen(session, 'typing')
    server.agent.typing()
    await clock.advance(10_000)
    server.agent.typing()
    await clock.advance(14_999)
    expect(session.state.typing).toEqual(['anna'])
    await clock.advance(1)
    expect(session.state.typing).toEqual([])
    server.agent.typing()
    await clock.settle()
    server.agent.reply('Here')
    await clock.settle()
    expect(events.map((event) => event.type === 'typing' && event.isTyping)).toEqual([true, false, true, false])
  })
})

describe('a visitor', () => {
  test('edits and takes back messages of their own', async () => {
    const session = await talk()
    const { _id } = session.send('Helo')
    await clock.settle()
    const events = listen(session, 'message-changed', 'message-deleted')
    expect(await session.edit(_id, 'Hello!')).toMatchObject({ _id, msg: 'Hello!' })
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello', 'Hello!'])
    await session.delete(_id)
    await clock.settle()
    expect(said(session.state)).toEqual(['Hello'])
    expect(events.map(({ type }) => type)).toEqual(['message-changed', 'message-deleted'])
  })

  test('reads the history backwards in pages, which join the list', async () => {
    const first = await talk()
    const lines = Array.from({ length: 130 }, (_, line) => `line ${line}`)
    for (const line of lines) server.agent.reply(line)
    await clock.settle()
    first.end()
    const session = await open()
    expect(said(session.state)).toEqual(lines.slice(-50))
    const pages: string[][] = []
    for await (const page of session.history({ pageSize: 40 }))
      pages.push(page.filter(({ t }) => t === undefined).map(({ msg }) => msg))
    expect(pages.toReversed().flat()).toEqual(['Hello', ...lines])
    expect(pages[0]).toEqual(lines.slice(-40))
    expect(said(session.state)).toEqual(['Hello', ...lines])
    const [page] = (await session.history({ before: session.state.messages[10]?.ts, pageSize: 5 }).next()).value ?? []
    expect(page?._id).toBe(session.state.messages[5]?._id)
  })

  test('sends a file and hears how far it is', async () => {
    const session = await talk()
    const progress: unknown[] = []
    const file = new File(['x'.repeat(100)], 'notes.txt', { type: 'text/plain' })
    const message = await session.upload(file, { description: 'Mine', onProgress: (step) => progress.push(step) })
    await clock.settle()
    expect(message).not.toHaveProperty('success')
    expect(session.state.messages.at(-1)).toMatchObject({
      _id: message._id,
      file: { name: 'notes.txt', type: 'text/plain' },
    })
    expect(progress.at(-1)).toEqual({ sentBytes: 100, totalBytes: 100 })
  })

  test('whose file comes first opens the room with it', async () => {
    const session = await open()
    await session.upload(new Blob(['x']), { fileName: 'first.txt' })
    await clock.settle()
    expect(session.state.messages.at(-1)?.file?.name).toBe('first.txt')
  })

  test('whom the server does not know any more is signed out: nothing is tried, everything says so', async () => {
    const session = await talk()
    server.faults.http.refuse(401, { operation: 'POST /livechat/message' })
    const item = session.send('Hello?')
    session.send('Anybody?')
    await clock.settle()
    expect(session.state.connection).toEqual({ status: 'signed-out', code: 'signed-out' })
    expect(session.state.outbox).toMatchObject([
      { state: 'failed', error: { code: 'signed-out' } },
      { state: 'failed' },
    ])
    const before = server.calls.length
    session.retry(item._id)
    session.send('Still?')
    await clock.advance(3_600_000)
    expect(server.calls).toHaveLength(before)
    expect(session.state.outbox.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed'])
    expect(server.openSockets).toBe(0)
  })
})

describe('the snapshot', () => {
  test('is another object only when something changed', async () => {
    const session = await talk()
    const { state } = session
    server.faults.toClient.duplicate()
    await clock.advance(60_000)
    expect(session.state).toBe(state)
    server.agent.reply('News')
    await clock.settle()
    expect(session.state).not.toBe(state)
    expect(session.state.outbox).toBe(state.outbox)
    expect(Object.isFrozen(session.state)).toBe(true)
  })

  test('is up to date when an event is told', async () => {
    const session = await talk()
    const seen: boolean[] = []
    session.on('message', ({ message }) => seen.push(session.state.messages.includes(message)))
    server.agent.reply('News')
    await clock.settle()
    expect(seen).toEqual([true])
  })

  test('and events reach nobody who has left, and everybody else when one listener throws', async () => {
    const session = await talk()
    const heard: string[] = []
    const leave = session.on('message', () => heard.push('gone'))
    session.on('message', () => {
      throw new Error('mine')
    })
    session.on('message', () => heard.push('here'))
    const leaveState = session.subscribe(() => heard.push('state'))
    leave()
    leaveState()
    server.agent.reply('News')
    await clock.settle()
    expect(heard).toEqual(['here'])
  })
})

describe('a session that has ended', () => {
  test('tells nothing, asks nothing and refuses everything', async () => {
    const session = await talk()
    const heard: unknown[] = []
    session.subscribe(() => heard.push('state'))
    session.on('message', (event) => heard.push(event))
    session.end()
    session.end()
    const before = server.calls.length
    server.agent.reply('News')
    await clock.advance(3_600_000)
    expect([heard, server.calls.length - before]).toEqual([[], 0])
    const ended = expect.objectContaining({ code: 'session-ended' }) as unknown
    expect(() => session.send('x')).toThrow(ended)
    await expect(session.close()).rejects.toEqual(ended)
    await expect(session.upload(new Blob(['x']))).rejects.toEqual(ended)
  })
})

test.each([undefined, '', 7])('a server address that is none is refused: %j', async (serverURL) => {
  const opening = openVisitorSession({ serverURL: serverURL as string })
  await expect(opening).rejects.toSatisfy((error) => isLivechatError(error) && error.code === 'invalid-argument')
})

/** A storage that all tabs see. */
function sharedStorage(): KeyValueStorage {
  return { ...memoryStorage(), isPrivate: false }
}

/** As far away as IndexedDB. */
function slow(storage: KeyValueStorage): KeyValueStorage {
  const later = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    get: (key) => later().then(() => storage.get(key)),
    set: (key, value) => later().then(() => storage.set(key, value)),
    remove: (key) => later().then(() => storage.remove(key)),
  }
}

/** Answers once the state is so; tabs talk over channels of the platform, which no clock moves. */
function untilSo(session: VisitorSession, isSo: (state: VisitorState) => boolean): Promise<VisitorState> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(session.state)) return
      end()
      resolve(session.state)
    }
    const end = session.subscribe(look)
    look()
  })
}
