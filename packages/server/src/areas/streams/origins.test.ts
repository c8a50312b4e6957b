// Which pages may have somebody signed in on a socket (promises A33): no other page acts for an agent who has it open.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, say } from '../../../testing/conversation.ts'
import { asVisitor, openSocket, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
let agent: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  agent = await desk.agent()
})
afterAll(() => desk.stop())

const setting = (id: string, value: string) =>
  admin.call('POST /settings/:_id', { params: { _id: id }, body: { value } })

/** A socket that a page of this origin opened; without one, that of a program. */
function openedBy(origin: string | undefined): Promise<Socket> {
  return openSocket(desk, origin === undefined ? {} : { headers: { origin } })
}

/** What signing in is answered there: the error, if there is one. */
async function signInFrom(origin: string | undefined): Promise<string | undefined> {
  const socket = await openedBy(origin)
  const { error } = await socket.call('login', { resume: agent.headers['x-auth-token'] })
  const withPassword = await socket.call('login', { user: { username: agent.username }, password: agent.password })
  expect((withPassword['error'] as { error?: string } | undefined)?.error).toBe(error?.error)
  await socket.close()
  return error?.error as string | undefined
}

const foreign = 'https://hostile.example'

describe('signing in on a socket (A33)', () => {
  test('is for pages of this server, and for programs that are no browsers', async () => {
    expect(await signInFrom(await desk.listen())).toBeUndefined()
    expect(await signInFrom(undefined)).toBeUndefined()
  })

  test.each([foreign, 'null', 'https://127.0.0.1', 'no origin at all'])('is not for pages of %s', async (origin) => {
    expect(await signInFrom(origin)).toBe('origin-not-allowed')
  })

  test('is for pages of the address where people reach the server, and for those that are named', async () => {
    await setting('Site_Url', 'https://desk.example/')
    expect(await signInFrom('https://desk.example')).toBeUndefined()
    expect(await signInFrom('http://desk.example')).toBe('origin-not-allowed')
    await setting('Site_Url', '')
    await setting('Realtime_Allowed_Origins', 'https://agents.example/, https://other.example')
    expect(await signInFrom('https://agents.example')).toBeUndefined()
    expect(await signInFrom('https://agents.example.hostile.example')).toBe('origin-not-allowed')
    await setting('Realtime_Allowed_Origins', '*')
    expect(await signInFrom(foreign)).toBeUndefined()
    await setting('Realtime_Allowed_Origins', '')
  })

  test('ends where an origin is named no more', async () => {
    await setting('Realtime_Allowed_Origins', 'https://agents.example')
    const socket = await openedBy('https://agents.example')
    expect(await socket.call('login', { resume: agent.headers['x-auth-token'] })).toHaveProperty('result')
    const here = await openedBy(await desk.listen())
    await here.call('login', { resume: agent.headers['x-auth-token'] })
    await setting('Realtime_Allowed_Origins', '')
    expect((await socket.ended).code).toBe(1002)
    expect(await here.call('livechat:getRoutingConfig')).toHaveProperty('result')
    await here.close()
  })

  test('is nothing that widgets need: they work on every page', async () => {
    const chat = await openChat(desk)
    const socket = await openedBy('https://shop.example')
    expect(await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])).toMatchObject({ msg: 'ready' })
    await say(desk, chat, 'from the shop')
    await socket.settled()
    expect(socket.told('room-messages', chat.rid)).toMatchObject([[{ msg: 'from the shop' }]])
    await socket.close()
  })

  test('does not go by what a page’s call of the API says of itself', async () => {
    const message = JSON.stringify({ msg: 'method', id: '1', method: 'livechat:getRoutingConfig', params: [] })
    const answered = await agent.call('POST /method.call/:method', {
      params: { method: 'x' },
      body: { message },
      headers: { origin: foreign },
    })
    expect(JSON.parse(answered.message)).toHaveProperty('result')
  })
})
