import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  closeBy,
  errorTypeOf,
  makeDepartment,
  openChat,
  openRoomOf,
  refusal,
  roomOf,
  roomSeenBy,
  withSettings,
  type Chat,
  answer,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let chat: Chat

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  const field = { label: 'Any', visibility: 'visible', updatedAt: new Date(desk.clock.now()).toISOString() }
  await desk.server.context.transact(async (tx) => {
    await tx.run(tx.sql.insertInto('customField').values({ ...field, id: 'plan', scope: 'room' }))
    await tx.run(tx.sql.insertInto('customField').values({ ...field, id: 'size', scope: 'room' }))
    await tx.run(tx.sql.insertInto('customField').values({ ...field, id: 'company', scope: 'visitor' }))
    const hidden = { ...field, visibility: 'hidden' }
    await tx.run(tx.sql.insertInto('customField').values({ ...hidden, id: 'risk', scope: 'room' }))
    await tx.run(tx.sql.insertInto('customField').values({ ...hidden, id: 'score', scope: 'visitor' }))
  })
})
afterAll(() => desk.stop())
beforeEach(async () => void (chat = await openChat(desk, { name: 'Ana' })))

function save(by: StaffMember, roomData: object = {}, guestData: object = {}) {
  const body = { guestData: { _id: chat.id, ...guestData }, roomData: { _id: chat.rid, ...roomData } }
  return by.raw('POST /livechat/room.saveInfo', { body })
}
async function saved(roomData: object = {}, guestData: object = {}, by = anna) {
  expect(refusal(await save(by, roomData, guestData))).toEqual([200, { success: true }])
  const room = await roomSeenBy(manager, chat.rid)
  const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
  return { room, visitor }
}

describe('what is written down about a conversation', () => {
  test('is shown with it, by the agent who serves it or a manager', async () => {
    const first = await saved({ topic: 'Invoice', tags: ['billing', 'billing', 'vip'] })
    expect(first.room).toMatchObject({ topic: 'Invoice', tags: ['billing', 'vip'] })
    const second = await saved({ topic: 'Tax' }, {}, manager)
    expect(second.room).toMatchObject({ topic: 'Tax', tags: ['billing', 'vip'] })
    const { rooms } = await manager.call('GET /livechat/rooms', { query: { 'tags[]': 'vip' } })
    expect(rooms.map(({ _id }) => _id)).toContain(chat.rid)
  })

  test('is refused whole where a value does not fit the pattern of its field', async () => {
    const customFieldData = { field: 'order', label: 'Order', scope: 'room', visibility: 'visible', regexp: '^[0-9]+$' }
    await manager.call('POST /livechat/custom-fields.save', { body: { customFieldData } })
    const before = await allRows(desk)
    const refused = await save(anna, { topic: 'Order', livechatData: { order: 'many' } })
    expect(refusal(refused)).toEqual([400, { success: false, error: 'Invalid value for Order field' }])
    expect(await allRows(desk)).toEqual(before)
    expect((await saved({ livechatData: { order: '12' } })).room.livechatData).toMatchObject({ order: '12' })
  })

  test('is removed by an empty topic and by an empty list of tags', async () => {
    await saved({ topic: 'Invoice', tags: ['billing'] })
    const { room } = await saved({ topic: '', tags: [] })
    expect(room).not.toHaveProperty('topic')
    expect(room).not.toHaveProperty('tags')
  })

  test('may be written after its end', async () => {
    await closeBy(anna, chat.rid)
    const { room } = await saved({ topic: 'Late' }, { name: 'Ana Prado' })
    expect(room).toMatchObject({ topic: 'Late', fname: 'Ana Prado' })
  })

  test('names the visitor in the room, and keeps what is not said', async () => {
    const { room, visitor } = await saved({}, { name: ' Ana Prado ', email: 'Ana@Example.org', phone: '123' })
    expect(room).toMatchObject({ fname: 'Ana Prado', v: { name: 'Ana Prado' } })
    expect(visitor).toMatchObject({
      name: 'Ana Prado',
      visitorEmails: [{ address: 'ana@example.org' }],
      phone: [{ phoneNumber: '123' }],
      token: chat.token,
    })
    const again = await saved({}, { name: '', email: null, phone: '  ' })
    expect(again.visitor).toMatchObject({ name: 'Ana Prado', visitorEmails: [{ address: 'ana@example.org' }] })
    const { rooms } = await manager.call('GET /livechat/rooms', { query: { roomName: 'ana PRADO' } })
    expect(rooms.map(({ _id }) => _id)).toContain(chat.rid)
  })

  test('has the custom fields that are defined for its scope, and no others', async () => {
    const given = { plan: 'Gold', size: '3', company: 'Acme', nobody: 'x', toString: 'x' }
    const { room, visitor } = await saved({ livechatData: given }, { livechatData: given })
    expect(room.livechatData).toEqual({ plan: 'Gold', size: '3' })
    expect(visitor.livechatData).toEqual({ company: 'Acme' })
    const fewer = await saved({ livechatData: { size: '' } }, { livechatData: { company: '' } })
    expect(fewer.room.livechatData).toEqual({ plan: 'Gold' })
    expect(fewer.visitor).not.toHaveProperty('livechatData')
    const none = await saved({ livechatData: {} }, { livechatData: {} })
    expect(none.room.livechatData).toEqual({ plan: 'Gold' })
    expect((await saved({ livechatData: { plan: '' } })).room).not.toHaveProperty('livechatData')
  })

  test('has custom fields of the visitor from those only who may edit them', async () => {
    const admin = await desk.administrator()
    const permissions = (roles: string[]) =>
      admin.call('POST /permissions.update', {
        body: { permissions: [{ _id: 'edit-livechat-room-customfields', roles }] },
      })
    await permissions(['admin'])
    const { room, visitor } = await saved({ livechatData: { plan: 'Gold' } }, { livechatData: { company: 'Acme' } })
    expect(room.livechatData).toEqual({ plan: 'Gold' })
    expect(visitor).not.toHaveProperty('livechatData')
    await permissions(['admin', 'livechat-agent'])
  })

  test('is found by its custom fields: parts of them in any case, and never patterns', async () => {
    await saved({ livechatData: { plan: 'Gold 100%', size: '3' } })
    const found = async (fields: object) => {
      const query = { customFields: JSON.stringify(fields) }
      const { rooms, total } = await manager.call('GET /livechat/rooms', { query })
      expect(total).toBe(rooms.length)
      return rooms.some(({ _id }) => _id === chat.rid)
    }
    expect(await found({ plan: 'gOLD' })).toBe(true)
    expect(await found({ plan: '100%', size: 3 })).toBe(true)
    for (const fields of [
      { plan: '.*' },
      { plan: 'g%d' },
      { size: 'gold' },
      { plan: 'gold', size: '4' },
      { other: '' },
    ])
      expect([fields, await found(fields)]).toEqual([fields, false])
    await saved({ livechatData: { plan: '' } })
    expect(await found({ plan: 'gold' })).toBe(false)
  })

  test('is not for strangers to the room', async () => {
    const before = await allRows(desk)
    expect(refusal(await save(bob, { topic: 'x' }))).toEqual([403, { success: false, error: 'unauthorized' }])
    const user = await desk.staff({ username: 'uma', roles: ['user'] })
    expect((await save(user, { topic: 'x' })).status).toBe(403)
    expect((await allRows(desk)).get('room')).toEqual(before.get('room'))
  })

  test('is refused for an unknown room, and for a visitor who is not the one of the room', async () => {
    const other = await openChat(desk, { name: 'Cid' })
    const before = await allRows(desk)
    expect(refusal(await save(manager, { _id: 'no-such' }))).toEqual(bare('error-invalid-room'))
    for (const _id of [other.id, 'no-such'])
      expect(refusal(await save(manager, { topic: 'x' }, { _id, name: 'Eve' }))).toEqual(bare('error-invalid-visitor'))
    const refused = await save(manager, { topic: 'x' }, { email: 'nobody' })
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-invalid-email'])
    expect(await allRows(desk)).toEqual(before)
  })

  test.each([[{ livechatData: { plan: 3 } }], [{ tags: 'x' }], [{ topic: 7 }]])(
    'not in another shape: %j',
    async (bad) => {
      const refused = await save(manager, bad)
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-params'])
    },
  )
})

describe('closed conversations', () => {
  const remove = (by: StaffMember, roomId: string) => by.raw('POST /livechat/rooms.delete', { body: { roomId } })
  const removeAll = (by: StaffMember, body: object = {}) =>
    by.raw('POST /livechat/rooms.removeAllClosedRooms', { body })
  const inDepartment = (rid: string, departmentId: string) =>
    desk.server.context.transact((tx) => tx.run(tx.sql.updateTable('room').set({ departmentId }).where('id', '=', rid)))
  const isThere = async (rid: string) =>
    (await manager.raw('GET /rooms.info', { query: { roomId: rid } })).status === 200

  test('that are removed are their visitor’s last chat no more', async () => {
    const lastOf = async () =>
      (await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })).visitor.lastChat
    await closeBy(anna, chat.rid)
    desk.clock.advance(1_000)
    const second = await openRoomOf(desk, chat)
    await closeBy(anna, second.rid)
    expect(await lastOf()).toEqual({ _id: second.rid, ts: second.room.ts })
    await remove(manager, second.rid)
    expect(await lastOf()).toEqual({ _id: chat.rid, ts: chat.room.ts })
    await removeAll(manager)
    expect(await lastOf()).toBeUndefined()
  })

  test('are removed with all that was said, and nothing else', async () => {
    const other = await openChat(desk)
    await saved({ tags: ['x'], livechatData: { plan: 'Gold' } })
    await closeBy(anna, chat.rid)
    const heard: unknown[] = []
    const stop = desk.server.bus.subscribe((event) => {
      if (event.name === 'room.removed') heard.push(event.data)
    })
    expect(refusal(await remove(manager, chat.rid))).toEqual([200, { success: true }])
    stop()
    expect(heard).toEqual([{ roomIds: [chat.rid] }])
    const rows = await allRows(desk)
    for (const table of ['room', 'roomTag', 'roomField', 'message', 'subscription', 'inquiry'])
      expect([table, rows.get(table)!.filter((row) => row.includes(chat.rid))]).toEqual([table, []])
    expect(rows.get('message')!.some((row) => row.includes(other.rid))).toBe(true)
    expect(refusal(await remove(manager, chat.rid))).toMatchObject([400, { errorType: 'error-invalid-room' }])
  })

  test('are removed by those only who may, and open ones by nobody', async () => {
    expect(refusal(await remove(manager, chat.rid))).toEqual([
      400,
      { success: false, error: '[error-room-is-not-closed]', errorType: 'error-room-is-not-closed' },
    ])
    expect(refusal(await remove(manager, 'GENERAL'))).toMatchObject([
      400,
      { errorType: 'error-this-is-not-a-livechat-room' },
    ])
    expect((await remove(anna, chat.rid)).status).toBe(403)
    expect((await removeAll(anna)).status).toBe(403)
    const shapeless = await manager.raw('POST /livechat/rooms.delete', { body: {} })
    expect(refusal(shapeless)).toMatchObject([400, { error: "must have required property 'roomId'" }])
    expect(await isThere(chat.rid)).toBe(true)
  })

  test('are removed all at once, of some departments or of all, and counted', async () => {
    await removeAll(manager)
    const departmentId = await makeDepartment(desk)
    const many = [chat]
    for (let n = 1; n < 23; n++) many.push(await openChat(desk))
    const open = await openChat(desk)
    for (const { rid } of many) await closeBy(manager, rid)
    await inDepartment(chat.rid, departmentId)
    expect(refusal(await removeAll(manager, { departmentIds: [] }))).toEqual([200, { removedRooms: 0, success: true }])
    expect((await removeAll(manager, { departmentIds: [departmentId, 'no-such'] })).body.removedRooms).toBe(1)
    expect([await isThere(chat.rid), await isThere(many[1]!.rid)]).toEqual([false, true])
    expect((await removeAll(manager)).body.removedRooms).toBe(22)
    expect((await removeAll(manager)).body.removedRooms).toBe(0)
    expect(await isThere(open.rid)).toBe(true)
  })

  test('are read again by agents of their department, where these may', async () => {
    const departmentId = await makeDepartment(desk, { agents: [bob] })
    const read = async () => (await bob.raw('GET /rooms.info', { query: { roomId: chat.rid } })).status
    await inDepartment(chat.rid, departmentId)
    await closeBy(anna, chat.rid)
    expect(await read()).toBe(400)
    const admin = await desk.administrator()
    const permissions = (roles: string[]) =>
      admin.call('POST /permissions.update', {
        body: { permissions: [{ _id: 'view-livechat-room-closed-same-department', roles }] },
      })
    await permissions(['admin', 'livechat-agent'])
    expect(await read()).toBe(200)
    await manager.call('POST /livechat/department/:_id/archive', { params: { _id: departmentId } })
    expect(await read()).toBe(200)
    await inDepartment(chat.rid, await makeDepartment(desk))
    expect(await read()).toBe(400)
    await permissions(['admin'])
  })
})

describe('lists of conversations', () => {
  test('know where conversations came from', async () => {
    const { filters } = await anna.call('GET /livechat/rooms/filters')
    expect(filters).toEqual([{ type: 'api' }])
    expect((await desk.anyone.raw('GET /livechat/rooms/filters')).status).toBe(401)
    const user = await desk.staff({ username: 'ursa', roles: ['user'] })
    expect((await user.raw('GET /livechat/rooms/filters')).status).toBe(403)
  })

  test('are filtered by one department or several, and name it', async () => {
    const other = await openChat(desk)
    const sales = await makeDepartment(desk, { name: 'Sales' })
    const tax = await makeDepartment(desk, { name: 'Tax' })
    const { transact } = desk.server.context
    for (const [rid, departmentId] of [
      [chat.rid, sales],
      [other.rid, tax],
    ] as const)
      // prettier-ignore
      await transact((tx) => tx.run(tx.sql.updateTable('room').set({ departmentId }).where('id', '=', rid)))
    const list = async (query: Record<string, string | string[]>) =>
      (await manager.call('GET /livechat/rooms', { query })).rooms.map(({ _id, department }) => [_id, department?.name])
    expect(await list({ departmentId: sales })).toEqual([[chat.rid, 'Sales']])
    for (const name of ['departmentId', 'departmentId[]'])
      expect((await list({ [name]: [sales, tax] })).toSorted()).toEqual(
        [
          [chat.rid, 'Sales'],
          [other.rid, 'Tax'],
        ].toSorted(),
      )
    expect(await list({ 'departmentId[]': sales })).toEqual([[chat.rid, 'Sales']])
  })

  test('show an agent the chats that wait in the agent’s departments', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const waiting = await openChat(desk)
      const sight = async () => (await bob.raw('GET /rooms.info', { query: { roomId: waiting.rid } })).status
      const departmentId = await makeDepartment(desk, { agents: [bob] })
      const move = (id: string) =>
        desk.server.context.transact((tx) =>
          tx.run(tx.sql.updateTable('inquiry').set({ departmentId: id }).where('roomId', '=', waiting.rid)),
        )
      await move(departmentId)
      expect(await sight()).toBe(200)
      await move(await makeDepartment(desk))
      expect(await sight()).toBe(400)
      expect((await roomOf(desk, waiting)).open).toBe(true)
    })
  })
})

describe('what a visitor is not told', () => {
  const setColumns = (columns: object) =>
    desk.server.context.transact((tx) => tx.run(tx.sql.updateTable('visitor').set(columns).where('id', '=', chat.id)))
  const seen = async () => {
    const query = { token: chat.token }
    const { room } = await desk.anyone.call('GET /livechat/room', { query })
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    const { config } = await desk.anyone.call('GET /livechat/config', { query })
    return { room, visitor, config }
  }

  test('topic, tags and hidden fields, which staff see', async () => {
    const roomFields = { plan: 'Gold', risk: 'high' }
    await setColumns({ fields: JSON.stringify({ company: 'A', score: '1' }) })
    const written = await saved({ topic: 'Pays late', tags: ['trouble'], livechatData: roomFields })
    expect(written.room).toMatchObject({ topic: 'Pays late', tags: ['trouble'], livechatData: roomFields })
    const { room, visitor } = await seen()
    expect(room).not.toHaveProperty('topic')
    expect(room).not.toHaveProperty('tags')
    expect(room.livechatData).toEqual({ plan: 'Gold' })
    expect(visitor.livechatData).toEqual({ company: 'A' })
  })

  test('who manages the contact', async () => {
    await setColumns({ managerId: anna.id, managerUsername: 'anna' })
    expect((await seen()).visitor).not.toHaveProperty('contactManager')
  })

  test('the names of agents, where the setting hides them', async () => {
    await answer(anna, chat.rid, 'hello')
    const lastAgentAt = new Date(desk.clock.now()).toISOString()
    await setColumns({ lastAgentId: anna.id, lastAgentUsername: 'anna', lastAgentAt })
    const shown = await seen()
    const named = { _id: anna.id, username: 'anna' }
    expect(shown.room).toMatchObject({ servedBy: named, responseBy: named })
    expect(shown.config.room?.servedBy).toMatchObject(named)
    expect(shown.visitor.lastAgent).toMatchObject({ agentId: anna.id, username: 'anna' })
    await withSettings(desk, { Livechat_show_agent_info: false }, async () => {
      const { room, visitor, config } = await seen()
      for (const agent of [room.servedBy, room.responseBy, config.room?.servedBy, visitor.lastAgent])
        expect(agent).not.toHaveProperty('username')
      expect(room.servedBy?._id).toBe(anna.id)
      expect((await roomSeenBy(manager, chat.rid)).servedBy).toMatchObject(named)
    })
  })
})
