// Visitors and their conversations, for tests that need some but are about something else.
import type { Contract } from '@deskbell/contract/contract.ts'
import type { Output } from '@deskbell/contract/operation.ts'
import { insertDepartment, insertMember, recountMembers } from '../src/areas/departments/store.ts'
import { saveSettings } from '../src/areas/settings/store.ts'
import { foldName } from '../src/areas/timeline/timeline.ts'
import { settings, type SettingId } from '../src/areas/settings/catalogue.ts'
import type { DepartmentTable, Tables } from '../src/database/schema.ts'
import type { Client, RawAnswer, TestServer } from './testing.ts'

export type WireMessage = Output<Contract['POST /livechat/message']>['message']
export type WireRoom = Output<Contract['GET /livechat/room']>['room']
export type WireVisitor = Output<Contract['POST /livechat/visitor']>['visitor']

export interface Visitor {
  token: string
  id: string
}

/** A visitor with an open room. */
export interface Chat extends Visitor {
  rid: string
  room: WireRoom
}

let tokens = 0

/** A token that no other test of this process uses. */
export function newToken(): string {
  return `token-of-visitor-${String(++tokens)}`
}

/** Registers a visitor with a token of its own. */
export async function register(desk: TestServer, fields: Record<string, unknown> = {}): Promise<Visitor> {
  const token = newToken()
  const { visitor } = await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token, ...fields } } })
  return { token: visitor.token ?? token, id: visitor._id }
}

/** Registers a visitor and opens its room; somebody must be there to answer. */
export async function openChat(desk: TestServer, fields: Record<string, unknown> = {}): Promise<Chat> {
  return openRoomOf(desk, await register(desk, fields))
}

export async function openRoomOf(desk: TestServer, visitor: Visitor): Promise<Chat> {
  const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token } })
  return { ...visitor, rid: room._id, room }
}

/** The visitor writes. */
export async function say(desk: TestServer, chat: Chat, msg: string, more: object = {}): Promise<WireMessage> {
  const body = { token: chat.token, rid: chat.rid, msg, ...more }
  return (await desk.anyone.call('POST /livechat/message', { body })).message
}

/** A member of the staff writes. */
export async function answer(by: Client, rid: string, msg: string, more: object = {}): Promise<WireMessage> {
  return (await by.call('POST /chat.sendMessage', { body: { message: { rid, msg, ...more } } })).message
}

/** What the visitor reads, newest first. */
export async function historyOf(
  desk: TestServer,
  chat: Chat,
  query: Record<string, string> = {},
): Promise<WireMessage[]> {
  const input = { params: { rid: chat.rid }, query: { token: chat.token, ...query } }
  return (await desk.anyone.call('GET /livechat/messages.history/:rid', input)).messages
}

/** The room as its visitor finds it now; the room must be open. */
export async function roomOf(desk: TestServer, chat: Chat): Promise<WireRoom> {
  return (await desk.anyone.call('GET /livechat/room', { query: { token: chat.token } })).room
}

/** The room as a member of the staff finds it now, open or closed. */
export async function roomSeenBy(staff: Client, rid: string): Promise<WireRoom> {
  return (await staff.call('GET /rooms.info', { query: { roomId: rid } })).room as WireRoom
}

/** The visitor ends the conversation. */
export async function closeByVisitor(desk: TestServer, chat: Chat): Promise<void> {
  await desk.anyone.call('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } })
}

/** A member of the staff ends the conversation. */
export async function closeBy(staff: Client, rid: string): Promise<void> {
  await staff.call('POST /livechat/room.closeByUser', { body: { rid, comment: 'Solved' } })
}

/** Sets business rules as an administrator's console would. */
export async function configure(desk: TestServer, values: Partial<Record<SettingId, unknown>>): Promise<void> {
  const changes = Object.entries(values).map(([id, value]) => ({ id, value }))
  await desk.server.context.transact((tx) => saveSettings(tx, changes))
}

/** Runs with other settings, which have their defaults again afterwards. */
export async function withSettings(
  desk: TestServer,
  values: Partial<Record<SettingId, unknown>>,
  work: () => Promise<void>,
): Promise<void> {
  await configure(desk, values)
  try {
    await work()
  } finally {
    const ids = Object.keys(values) as SettingId[]
    await configure(desk, Object.fromEntries(ids.map((id) => [id, settings[id].default])))
  }
}

let departments = 0

/** A department that takes chats, with these agents; answers its id. */
export async function makeDepartment(
  desk: TestServer,
  { agents = [], ...columns }: Partial<DepartmentTable> & { agents?: readonly { id: string }[] } = {},
): Promise<string> {
  const name = columns.name ?? `Department ${String(++departments)}`
  return desk.server.context.transact(async (tx) => {
    const id = columns.id ?? tx.newId()
    await insertDepartment(tx, {
      name,
      nameFolded: foldName(name),
      email: 'desk@example.org',
      isEnabled: 1,
      showOnRegistration: 1,
      showOnOfflineForm: 1,
      agentCount: 0,
      createdAt: tx.now,
      updatedAt: tx.now,
      ...columns,
      id,
    })
    for (const [position, agent] of agents.entries())
      await insertMember(tx, { departmentId: id, agentId: agent.id, rotation: 0, position, isEnabled: 1 })
    await recountMembers(tx, id)
    return id
  })
}

/** Status and body of an answer, for comparing both at once. */
export function refusal({ status, body }: RawAnswer): [number, unknown] {
  return [status, body]
}

/** What a refused call says. */
export function errorOf({ body }: RawAnswer): string | undefined {
  return (body as { error?: string } | undefined)?.error
}

/** The code of a refused call, in the forms that carry one beside the words. */
export function errorTypeOf({ body }: RawAnswer): string | undefined {
  return (body as { errorType?: string } | undefined)?.errorType
}

/** The refusal of a code in the form that has no words. */
export function bare(code: string): [number, unknown] {
  return [400, { success: false, error: code }]
}

// A new table does not compile until it is named here.
const tables: Record<keyof Tables, true> = {
  visitor: true,
  contact: true,
  block: true,
  visitorField: true,
  pageVisit: true,
  customField: true,
  department: true,
  departmentAgent: true,
  room: true,
  roomTag: true,
  roomField: true,
  inquiry: true,
  subscription: true,
  message: true,
  messageVersion: true,
  upload: true,
  mail: true,
  user: true,
  userRole: true,
  session: true,
  accountLink: true,
  process: true,
  connection: true,
  audit: true,
  setting: true,
  permission: true,
  version: true,
  counter: true,
  job: true,
}

/** Every row of every table, as text, by table. */
export async function allRows(desk: TestServer): Promise<Map<string, string[]>> {
  const { read } = desk.server.context
  const found = new Map<string, string[]>()
  for (const table of Object.keys(tables) as (keyof Tables)[]) {
    const rows = await read.all(read.sql.selectFrom(table).selectAll())
    found.set(table, rows.map((row) => JSON.stringify(row)).sort())
  }
  return found
}
