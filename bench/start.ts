// `npm run bench -- start`: visitors who register, open a room and write their first message, 16 at a time.
import type { Request } from 'autocannon'
import type { Child } from './child.ts'
import type { Measured } from './load.ts'
import { medians, runLoad } from './load.ts'
import { addAgents, newToken, startDeskbell, startDurable, temporaryFolder } from './product.ts'
import { print, printCriteria, printTable, ratio, tenths, whole } from './report.ts'
import { jsonHeaders, messageText, roomsOfFloor, sendPath, sendScript } from './send.ts'

const connections = 16
const warmUpSeconds = 2
const seconds = 6
const rounds = 3
const requestsPerChat = 3

export async function benchStart(): Promise<void> {
  const folder = temporaryFolder()
  const durable = await startDurable(folder, connections)
  const deskbell = await startDeskbell(folder)
  await addAgents(deskbell, 10)
  const floor: Measured[] = []
  const chats: Measured[] = []
  await measureFloor(durable, warmUpSeconds)
  await measureChats(deskbell, warmUpSeconds)
  for (let round = 0; round < rounds; round++) {
    floor.push(await measureFloor(durable, seconds))
    chats.push(await measureChats(deskbell, seconds))
  }
  report(medians(floor), medians(chats))
  await durable.stop()
  await deskbell.stop()
}

function measureFloor(server: Child, length: number): Promise<Measured> {
  return runLoad(server, connections, { seconds: length }, sendScript(roomsOfFloor(connections)))
}

function measureChats(server: Child, length: number): Promise<Measured> {
  return runLoad(server, connections, { seconds: length }, chatScript)
}

/** The three requests of one chat; autocannon runs them in order and begins again with a new visitor. */
function chatScript(): Request[] {
  let token = ''
  let rid = ''
  return [
    {
      method: 'POST',
      path: '/api/v1/livechat/visitor',
      headers: jsonHeaders,
      setupRequest: (request) => {
        token = newToken()
        return { ...request, body: JSON.stringify({ visitor: { token, name: 'Ada Visitor' } }) }
      },
    },
    {
      method: 'GET',
      path: '/api/v1/livechat/room',
      setupRequest: (request) => ({ ...request, path: `/api/v1/livechat/room?token=${token}` }),
      onResponse: (_status, body) => (rid = (JSON.parse(body) as { room?: { _id: string } }).room?._id ?? ''),
    },
    {
      method: 'POST',
      path: sendPath,
      headers: jsonHeaders,
      setupRequest: (request) => ({ ...request, body: JSON.stringify({ token, rid, msg: messageText }) }),
    },
  ]
}

function report(floor: Measured, chats: Measured): void {
  const chatsPerSecond = chats.perSecond / requestsPerChat
  const share = chatsPerSecond / floor.perSecond
  print(
    `start: ${connections} connections, ${rounds} interleaved runs of ${seconds} s each, medians; a chat is 3 requests\n`,
  )
  printTable(
    ['', 'req/s', 'chats/s', 'p50 ms', 'p99 ms', 'CPU µs a request'],
    [
      ['durable floor', whole(floor.perSecond), '', tenths(floor.p50Ms), tenths(floor.p99Ms), whole(floor.cpuMicros)],
      [
        'deskbell',
        whole(chats.perSecond),
        whole(chatsPerSecond),
        tenths(chats.p50Ms),
        tenths(chats.p99Ms),
        whole(chats.cpuMicros),
      ],
    ],
  )
  printCriteria([
    { wanted: 'chats/s ≥ 0.07 of the requests/s of the durable floor', found: ratio(share), reached: share >= 0.07 },
  ])
}
