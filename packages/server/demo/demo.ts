// `npm run demo`: a server on a temporary folder, two agents, and a whole conversation through the SDK and the agents'
// API, printed as it happens. The server stays up for you to look around.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RocketChatLivechat } from '../../sdk/src/sdk.ts'
import { createUser } from '../src/areas/users/users.ts'
import { environment, readConfig } from '../src/config.ts'
import { hashPassword } from '../src/passwords.ts'
import { startServer, type Server } from '../src/server.ts'

interface DemoAgent {
  name: string
  headers: Record<string, string>
}

const folder = mkdtempSync(join(tmpdir(), 'deskbell-demo-'))
const server = await startServer(
  readConfig(
    { ...environment(), DESKBELL_DATA_DIR: folder, DESKBELL_LOG_LEVEL: 'warn', DESKBELL_DATABASE_URL: '' },
    {},
  ),
)
const url = await server.listen()
say(`Deskbell is ready at ${url} (data in ${folder})`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void leave())

const password = crypto.randomUUID()
const anna = await makeAgent(server, 'anna', 'Anna')
const bob = await makeAgent(server, 'bob', 'Bob')
const livechat = new RocketChatLivechat({ serverURL: url })
const token = crypto.randomUUID()

heading('A visitor comes')
const { config } = await livechat.config.getConfig()
say(`The desk is ${config.online === true ? 'online' : 'offline'}.`)
const { visitor } = await livechat.visitor.registerVisitor({ token, name: 'Vera', email: 'vera@example.org' })
say(`Registered as ${visitor.username}.`)

heading('The chat waits, because agents choose for themselves on this desk')
await setSetting('Livechat_Routing_Method', 'Manual_Selection')
const { room } = await livechat.room.getRoom(token)
say(`Room ${room._id} is open; served by ${room.servedBy?.username ?? 'nobody yet'}.`)
await livechat.messages.sendMessage(token, room._id, 'Hello, is my parcel on its way?')
const { inquiries } = await api(anna, 'GET', 'livechat/inquiries.queuedForUser')
const [waiting] = inquiries
say(`Anna sees ${inquiries.length} chat in the queue, by ${waiting?.name ?? 'nobody'}.`)
await api(anna, 'POST', 'livechat/inquiries.take', { inquiryId: waiting?._id })
const late = await api(bob, 'POST', 'livechat/inquiries.take', { inquiryId: waiting?._id })
say(`Anna took it. Bob was too late: ${late.error ?? 'nobody told him'}`)

heading('They talk')
await api(anna, 'POST', 'chat.sendMessage', { message: { rid: room._id, msg: 'It left *this morning*.' } })
const id = crypto.randomUUID()
await livechat.messages.sendMessage(token, room._id, 'Thak you!', id)
const again = await livechat.messages.sendMessage(token, room._id, 'Thak you!', id)
say(`The visitor's phone sent the last message twice; stored once, as ${again.message._id}.`)
await livechat.messages.updateMessage(id, token, room._id, 'Thank you!')
say('The visitor mended a typing mistake.')

heading('What both sides read')
const { messages } = await livechat.messages.getMessageHistory(room._id, token)
for (const message of messages.toReversed())
  say(
    `${message.ts.slice(11, 19)} ${message.u.username.padEnd(8)} ${message.t === undefined ? message.msg : `[${message.t}]`}`,
  )

heading('The end')
await livechat.room.closeRoom(room._id, token)
const refused = await livechat.messages.sendMessage(token, room._id, 'One more thing').catch((error: unknown) => error)
say(`The room is closed; another message is refused: ${(refused as Error).message}`)

heading('Look around (Ctrl+C ends the server and removes its data)')
say(`curl -s '${url}/api/v1/livechat/config'`)
say(`curl -s '${url}/api/v1/livechat/messages.history/${room._id}?token=${token}'`)
say(
  `curl -s -H 'X-User-Id: ${anna.headers['x-user-id'] ?? ''}' -H 'X-Auth-Token: ${anna.headers['x-auth-token'] ?? ''}' '${url}/api/v1/livechat/rooms'`,
)
say(`The API, to read and to try: ${url}/docs`)

async function makeAgent({ context }: Server, username: string, name: string): Promise<DemoAgent> {
  const passwordHash = await hashPassword(password)
  const roles = ['user', 'livechat-agent', 'livechat-manager', 'admin']
  const user = await context.transact((tx) =>
    createUser(tx, { username, name, email: `${username}@example.org`, passwordHash, roles }),
  )
  const visitorless: DemoAgent = { name, headers: {} }
  const { data } = await api(visitorless, 'POST', 'login', { user: username, password })
  const agent = { name, headers: { 'x-user-id': user.id, 'x-auth-token': data.authToken } }
  await api(agent, 'POST', 'users.setStatus', { status: 'online' })
  await api(agent, 'POST', 'livechat/agent.status', { status: 'available' })
  say(`${name} signed in and takes chats.`)
  return agent
}

function setSetting(settingId: string, value: unknown) {
  return api(anna, 'POST', `settings/${settingId}`, { value })
}

/** What the demo reads of the answers. */
interface Answer {
  error?: string
  data: { authToken: string }
  inquiries: { _id: string; name: string }[]
}

async function api(agent: DemoAgent, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { ...agent.headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Answer
}

async function leave(): Promise<void> {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}

function heading(text: string): void {
  process.stdout.write(`\n${text}\n`)
}

function say(text: string): void {
  process.stdout.write(`  ${text}\n`)
}
