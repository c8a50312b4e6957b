// The server under measurement, started as a user would, and spoken to over its public API only.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from './child.ts'
import { startChild } from './child.ts'

export type RoomOfVisitor = { token: string; rid: string }
type Answer = Record<string, unknown>

const root = join(import.meta.dirname, '..')
const admin = { username: 'admin', password: randomBytes(12).toString('hex') }

/** A folder of its own on the disk of the repository (others may be in memory); it goes when the process ends. */
export function temporaryFolder(): string {
  const parent = join(import.meta.dirname, 'data')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'run-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startDeskbell(folder: string): Promise<Child> {
  return startChild(
    [
      '--max-semi-space-size=8',
      join(root, 'packages/server/bin/deskbell.js'),
      'serve',
      '--port',
      '0',
      '--data',
      folder,
    ],
    {
      DESKBELL_RATE_LIMITS: 'off',
      DESKBELL_LOG_LEVEL: 'warn',
      DESKBELL_ADMIN_USERNAME: admin.username,
      DESKBELL_ADMIN_PASSWORD: admin.password,
    },
  )
}

export function startEcho(): Promise<Child> {
  return startChild([join(import.meta.dirname, 'floors/echo.ts')])
}

export function startPages(folder: string): Promise<Child> {
  return startChild([join(import.meta.dirname, 'floors/pages.ts'), join(folder, 'deskbell.sqlite')])
}

export function startDurable(folder: string, rooms: number): Promise<Child> {
  return startChild([join(import.meta.dirname, 'floors/durable.ts'), join(folder, 'floor.db'), String(rooms)])
}

/** Agents who are online and take whatever comes; answers their sessions. */
export async function addAgents(server: Child, count: number): Promise<Session[]> {
  const session = await signIn(server)
  const sessions: Session[] = []
  for (let n = 0; n < count; n++) {
    const agent = { username: `agent-${n}`, password: randomBytes(12).toString('hex') }
    const user = { ...agent, name: `Agent ${n}`, email: `agent-${n}@example.org`, roles: ['user', 'livechat-agent'] }
    await call(server, 'POST', 'users.create', user, session)
    const signedIn = await logIn(server, agent)
    await call(server, 'POST', 'users.setStatus', { status: 'online', message: '' }, signedIn)
    await call(server, 'POST', 'livechat/agent.status', { status: 'available' }, signedIn)
    sessions.push(signedIn)
  }
  return sessions
}

/** Visitors with an open room each. */
export async function openRooms(server: Child, count: number): Promise<RoomOfVisitor[]> {
  const rooms: RoomOfVisitor[] = []
  for (let n = 0; n < count; n++) {
    const token = newToken()
    await call(server, 'POST', 'livechat/visitor', { visitor: { token } })
    const { room } = await call(server, 'GET', `livechat/room?token=${token}`)
    rooms.push({ token, rid: (room as { _id: string })._id })
  }
  return rooms
}

export function newToken(): string {
  return randomBytes(16).toString('hex')
}

export type Session = { 'x-user-id': string; 'x-auth-token': string }

/** Signs the administrator in. */
export function signIn(server: Child): Promise<Session> {
  return logIn(server, admin)
}

async function logIn(server: Child, { username, password }: typeof admin): Promise<Session> {
  const { data } = await call(server, 'POST', 'login', { user: username, password })
  const { userId, authToken } = data as { userId: string; authToken: string }
  return { 'x-user-id': userId, 'x-auth-token': authToken }
}

/** One call of the API. Throws with the answer when it is no success. */
export async function call(
  server: Child,
  method: 'GET' | 'POST',
  path: string,
  ...[body, session]: [body?: object, session?: Session]
): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    method,
    headers: { ...session, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path.split('?')[0] ?? ''} answered ${response.status}: ${text}`)
  return JSON.parse(text) as Answer
}
