// What follows for sockets and presence when somebody signs out or is thrown out (contract §C.14.5).
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, openChat, roomSeenBy, withSettings } from '../../../testing/conversation.ts'
import { openSocket, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { withoutReading } from '../../../testing/without-reading.ts'

let desk: TestServer
let admin: StaffMember
let anna: StaffMember
const sockets: Socket[] = []
beforeEach(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  anna = await desk.agent({ username: 'anna' })
})
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()))
  await desk.stop()
})

/** Another device of Anna’s: a session and a socket of its own. */
async function device(): Promise<{ socket: Socket; headers: Record<string, string> }> {
  const { data } = await desk.anyone.call('POST /login', { body: { user: 'anna', password: anna.password } })
  return { socket: await connect(data.authToken), headers: { 'x-user-id': anna.id, 'x-auth-token': data.authToken } }
}

async function connect(token: string): Promise<Socket> {
  const socket = await openSocket(desk)
  sockets.push(socket)
  await socket.call('login', { resume: token })
  await socket.sub('stream-notify-user', [`${anna.id}/force_logout`, { args: [] }])
  await socket.settled()
  return socket
}

const tokenOf = ({ headers }: { headers: Record<string, string> }) => String(headers['x-auth-token'])

/** How others see Anna, and whether she takes chats. */
async function standing(): Promise<unknown[]> {
  await desk.server.streams.settled()
  const { user } = await admin.call('GET /users.info', { query: { userId: anna.id } })
  const { status, statusConnection, statusLivechat } = user as Record<string, unknown>
  return [status, statusConnection, statusLivechat]
}

/** Told first that it is signed out, and then closed. */
async function wasLetGo(socket: Socket): Promise<void> {
  expect(await socket.ended).toMatchObject({ code: 1002 })
  expect(socket.told('notify-user', `${anna.id}/force_logout`)).toEqual([[]])
}

describe('signing out', () => {
  test('ends the sockets of this sign-in only: other devices live on, and the person is there', async () => {
    const phone = await device()
    const [desktop, tab] = [await connect(tokenOf(anna)), await connect(tokenOf(anna))]
    await anna.call('POST /logout')
    await wasLetGo(desktop)
    await wasLetGo(tab)
    expect(await standing()).toEqual(['online', 'online', 'not-available'])
    await desk.server.streams.gone()
    expect(await standing()).toEqual(['online', 'online', 'not-available'])
    expect(await phone.socket.call('livechat:getRoutingConfig')).toHaveProperty('result')
    expect(phone.socket.told('notify-user', `${anna.id}/force_logout`)).toEqual([])
  })

  test('with the last device is to be away at once: it is no page that is loaded anew', async () => {
    const socket = await connect(tokenOf(anna))
    expect(await standing()).toEqual(['online', 'online', 'available'])
    await anna.call('POST /logout')
    await wasLetGo(socket)
    expect(await standing()).toEqual(['offline', 'offline', 'not-available'])
  })

  test('on a socket is the same, and nobody is thrown out who leaves', async () => {
    const phone = await device()
    const socket = await connect(tokenOf(anna))
    expect(await socket.call('logout')).not.toHaveProperty('error')
    expect(await socket.ended).toMatchObject({ code: 1002 })
    expect(socket.told('notify-user', `${anna.id}/force_logout`)).toEqual([])
    expect(await standing()).toEqual(['online', 'online', 'not-available'])
    await phone.socket.call('logout')
    expect(await standing()).toEqual(['offline', 'offline', 'not-available'])
  })

  test('ends the socket also where it fails: nobody goes on listening there', async () => {
    const socket = await connect(tokenOf(anna))
    await withoutReading(desk, async () => {
      expect(await socket.call('logout')).toMatchObject({ error: { error: 500 } })
    })
    expect(await socket.ended).toMatchObject({ code: 1002 })
    const stranger = await openSocket(desk)
    sockets.push(stranger)
    expect(await stranger.call('logout')).toMatchObject({ error: { error: 'error-invalid-user' } })
    expect(await stranger.call('nothing')).toMatchObject({ error: { error: 404 } })
  })

  test('leaves a bot switched on', async () => {
    await admin.call('POST /users.update', {
      body: { userId: anna.id, data: { roles: ['user', 'livechat-agent', 'bot'] } },
    })
    await anna.call('POST /logout')
    expect((await standing())[2]).toBe('available')
  })

  test('and coming back switches an agent on again whom the system switched off', async () => {
    await anna.call('POST /logout')
    expect((await standing())[2]).toBe('not-available')
    await device()
    expect(await standing()).toEqual(['online', 'online', 'available'])
  })

  test('does to the chats what is to be done when an agent leaves', async () => {
    const leaving = { Livechat_agent_leave_action: 'close', Livechat_agent_leave_comment: 'Gone home' }
    await withSettings(desk, leaving, async () => {
      const socket = await connect(tokenOf(anna))
      const chat = await openChat(desk)
      await answer(anna, chat.rid, 'Good morning')
      await anna.call('POST /logout')
      await wasLetGo(socket)
      await desk.server.streams.settled()
      desk.clock.advance(59_000)
      await desk.server.worker.drain()
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ open: true })
      desk.clock.advance(1_000)
      await desk.server.worker.drain()
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ closedBy: { username: 'rocket.cat' } })
    })
  })

  test('that no event told of is found by the sweep', async () => {
    const phone = await device()
    const socket = await connect(tokenOf(anna))
    const { bus } = desk.server
    const publish = bus.publish.bind(bus)
    bus.publish = () => {}
    await anna.call('POST /logout')
    bus.publish = publish
    await desk.server.streams.sweep()
    await wasLetGo(socket)
    expect(await phone.socket.call('livechat:getRoutingConfig')).toHaveProperty('result')
  })
})

describe('an account that is shut', () => {
  test('has no socket any more, on no device, and nobody there', async () => {
    const phone = await device()
    const socket = await connect(tokenOf(anna))
    await admin.call('POST /users.setActiveStatus', { body: { userId: anna.id, activeStatus: false } })
    await wasLetGo(socket)
    await wasLetGo(phone.socket)
    expect(await standing()).toEqual(['offline', 'offline', 'not-available'])
  })
})

describe('somebody whose socket says this and that', () => {
  test('is told to the others at most once in a moment, and as it is in the end (A27)', async () => {
    const other = await openSocket(desk)
    sockets.push(other)
    await other.call('login', { resume: tokenOf(admin) })
    await other.sub('stream-notify-logged', ['user-status', { args: [] }])
    const socket = await connect(tokenOf(anna))
    const said = Array.from({ length: 10 }, () => ['UserPresence:away', 'UserPresence:online']).flat()
    for (const method of [...said, 'UserPresence:away']) await socket.call(method)
    expect(await standing()).toEqual(['away', 'away', 'available'])
    await other.settled()
    const told = other.told('notify-logged', 'user-status').filter(([[id]]) => id === anna.id)
    expect(told.map(([[, , code]]) => code as number).at(-1)).toBe(2)
    expect(told.length).toBeLessThan(said.length)
  })
})
