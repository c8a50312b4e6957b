// `npm run bench -- upload`: 50 uploads of the maximum size at once, against bare node:http that writes them to disk. What
// counts is memory: a file may pass through the server, but not stay in it. BENCH_UPLOAD_MB makes the files smaller.
import { once } from 'node:events'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { startChild, type Child } from './child.ts'
import { addAgents, openRooms, startDeskbell, temporaryFolder, type RoomOfVisitor } from './product.ts'
import { print, printCriteria, printTable, ratio, tenths, whole } from './report.ts'

const uploads = 50
const maximumMb = 100
const sampleMs = 50
const boundary = 'boundary-of-the-bench'
const chunk = Buffer.alloc(64 * 1024, 7)

type Measured = { name: string; idleMb: number; peakMb: number; seconds: number; cpuSeconds: number }

export async function benchUpload(): Promise<void> {
  const folder = temporaryFolder()
  const megabytes = sizeFor(folder)
  const floorFolder = join(folder, 'floor')
  mkdirSync(floorFolder)
  const floor = await startChild([join(import.meta.dirname, 'floors/upload.ts'), floorFolder])
  const deskbell = await startDeskbell(folder)
  await addAgents(deskbell, 4)
  // The first files load what later ones find loaded: they are not what is measured.
  await sendAll(floor, await openRooms(deskbell, 2), 1)
  await sendAll(deskbell, await openRooms(deskbell, 2), 1)
  const results = [
    await measure('floor', floor, await openRooms(deskbell, uploads), megabytes),
    await measure('deskbell', deskbell, await openRooms(deskbell, uploads), megabytes),
  ]
  rmSync(floorFolder, { recursive: true })
  report(results, megabytes)
  for (const server of [floor, deskbell]) await server.stop()
}

/** As large as a file may be, where the disk has room for all of them twice and as much again. */
function sizeFor(folder: string): number {
  const wanted = Number(process.env['BENCH_UPLOAD_MB'] ?? maximumMb)
  const { bavail, bsize } = statfsSync(folder)
  const roomMb = (bavail * bsize) / 1_048_576 / (uploads * 4)
  return Math.max(1, Math.min(wanted, maximumMb, Math.floor(roomMb)))
}

async function measure(name: string, server: Child, rooms: RoomOfVisitor[], megabytes: number): Promise<Measured> {
  const idleMb = server.memory().residentMb
  const cpuMs = server.cpuMs()
  let peakMb = idleMb
  const timer = setInterval(() => (peakMb = Math.max(peakMb, server.memory().residentMb)), sampleMs)
  const startedAt = performance.now()
  await sendAll(server, rooms, megabytes)
  const seconds = (performance.now() - startedAt) / 1_000
  clearInterval(timer)
  return { name, idleMb, peakMb, seconds, cpuSeconds: (server.cpuMs() - cpuMs) / 1_000 }
}

async function sendAll(server: Child, rooms: readonly RoomOfVisitor[], megabytes: number): Promise<void> {
  await Promise.all(rooms.map((room) => send(server, room, megabytes)))
}

/** Sends one file as a visitor. Throws when the answer is not 200. */
async function send(server: Child, { token, rid }: RoomOfVisitor, megabytes: number): Promise<void> {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="large.bin"\r\n\r\n`
  const tail = `\r\n--${boundary}--\r\n`
  const bytes = megabytes * 1_048_576
  const outgoing = request(`${server.url}/api/v1/livechat/upload/${rid}`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + bytes + tail.length,
      'x-visitor-token': token,
    },
  })
  const answered = once(outgoing, 'response')
  outgoing.write(head)
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!outgoing.write(chunk)) await once(outgoing, 'drain')
  outgoing.end(tail)
  const [response] = (await answered) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`an upload was answered ${String(response.statusCode)}`)
}

function report(results: readonly Measured[], megabytes: number): void {
  const [floor, deskbell] = results
  if (floor === undefined || deskbell === undefined) throw new Error('a contender is missing')
  const perSecond = ({ seconds }: Measured): number => (uploads * megabytes) / seconds
  const growth = ({ peakMb, idleMb }: Measured): number => peakMb - idleMb
  print(`upload: ${uploads} files of ${megabytes} MiB at once\n`)
  printTable(
    ['', 'MiB/s', 'seconds', 'CPU s', 'RSS before', 'peak MB', 'growth', 'of floor'],
    results.map((result) => [
      result.name,
      whole(perSecond(result)),
      tenths(result.seconds),
      tenths(result.cpuSeconds),
      whole(result.idleMb),
      whole(result.peakMb),
      whole(growth(result)),
      ratio(perSecond(result) / perSecond(floor)),
    ]),
  )
  printCriteria([
    { wanted: 'memory grows by ≤ 100 MB', found: `${whole(growth(deskbell))} MB`, reached: growth(deskbell) <= 100 },
  ])
}
