import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, type Chat } from '../../../testing/conversation.ts'
import { asVisitor, openSocket, signIn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
beforeAll(async () => {
  desk = await startTestServer()
  await desk.agent()
})
afterAll(() => desk.stop())

/** A widget and a console that listen to how a call in a room is arranged. */
async function arrange(about: string): Promise<{ chat: Chat; key: string; widget: Socket; console: Socket }> {
  const chat = await openChat(desk)
  const key = `${chat.rid}/${about}`
  const widget = await openSocket(desk)
  await widget.sub('stream-notify-room', [key, asVisitor(chat)])
  const console = await signIn(desk, await desk.staff({ roles: ['user', 'livechat-manager'] }))
  await console.sub('stream-notify-room', [key, { args: [] }])
  return { chat, key, widget, console }
}

describe('a call', () => {
  test('is arranged between both sides, who do not hear themselves', async () => {
    const { key, widget, console } = await arrange('webrtc')
    const status = { rid: 'x', callStatus: 'inProgress', sdp: { lines: ['a', 'b'] } }
    // Widgets give no token here: they have shown it when they subscribed.
    expect(await widget.call('stream-notify-room', key, 'callStatus', status)).not.toHaveProperty('result')
    expect(await console.call('stream-notify-room', key, 'callStatus', { callStatus: 'ended' })).not.toHaveProperty(
      'error',
    )
    await Promise.all([widget.settled(), console.settled()])
    expect(console.told('notify-room', key)).toEqual([['callStatus', status]])
    expect(widget.told('notify-room', key)).toEqual([['callStatus', { callStatus: 'ended' }]])
    await Promise.all([widget.close(), console.close()])
  })

  test('is declined', async () => {
    const { key, widget, console } = await arrange('call')
    await widget.call('stream-notify-room', key, 'decline')
    await console.settled()
    expect(console.told('notify-room', key)).toEqual([['decline']])
    await Promise.all([widget.close(), console.close()])
  })

  test('carries no token to the staff, however deep it stands', async () => {
    const { chat, key, widget, console } = await arrange('webrtc')
    const given = { token: chat.token, deep: [{ visitorToken: chat.token, kept: 1 }] }
    await widget.call('stream-notify-room', key, 'callStatus', given, { token: chat.token })
    await console.settled()
    expect(console.told('notify-room', key)).toEqual([['callStatus', { deep: [{ kept: 1 }] }, {}]])
    await Promise.all([widget.close(), console.close()])
  })

  test('is nothing that strangers take part in', async () => {
    const { key, widget, console } = await arrange('webrtc')
    const other = await openChat(desk)
    const stranger = await openSocket(desk)
    expect(await stranger.sub('stream-notify-room', [key, asVisitor(other)])).toMatchObject({ msg: 'nosub' })
    await stranger.sub('stream-notify-room', [`${other.rid}/webrtc`, asVisitor(other)])
    const person = await signIn(desk, await desk.staff())
    expect(await person.sub('stream-notify-room', [key, {}])).toMatchObject({ msg: 'nosub' })
    for (const socket of [stranger, person])
      for (const last of [[], [{ token: other.token }], [{ token: { $ne: '' } }]])
        expect(await socket.call('stream-notify-room', key, 'callStatus', ...last)).not.toHaveProperty('error')
    await stranger.call('stream-notify-room', `${key}/more`, 'x')
    await widget.call('stream-notify-room', key, ...Array.from({ length: 20 }, () => 'x'))
    await Promise.all([widget.settled(), console.settled()])
    expect(widget.told('notify-room', key)).toEqual([])
    expect(console.told('notify-room', key)).toEqual([])
    await Promise.all([widget, console, stranger, person].map((socket) => socket.close()))
  })
})
