// A bad network between a client and a server, on the loopback interface: connections pass through it, and a test says
// what happens to them. It meddles on three levels:
// - connections: refused, met with silence, cut (FIN or RST), held up (TCP’s own pressure back to the sender), half-open:
//   bytes of one or both directions, and the ends of either side, vanish while the connection stands;
// - whole HTTP requests: lost before they arrive, answered in vain (done, and the answer is lost), arriving twice;
// - whole WebSocket text frames: lost, doubled, swapped with the next one, late. Bytes are never lost or doubled within one: TCP does not,
//   and a stream with a hole in it is a protocol error, which only ends the connection, as a cut does.
// What is drawn by chance comes from a seed. Nothing outlives `close`, which a timer calls at the latest.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { makeSplitter, textOf, type Unit } from './units.ts'

export type Way = 'up' | 'down'

/** What may happen to whole frames and requests, each with its chance from 0 to 1. */
export interface Weather {
  /** Frames of one way for which `meddlesWith` holds. */
  lose: number
  double: number
  swap: number
  /** Each frame is late by up to so many milliseconds; order is kept. */
  lateMs: number
  /** Requests that never arrive, and take their connection with them. */
  loseRequest: number
  /** Requests that are carried out, and whose answer is lost with the connection. */
  loseAnswer: number
  /** Requests that arrive twice. */
  doubleRequest: number
}

export interface Link {
  /** Whether a WebSocket was opened on it. */
  readonly isSocket: boolean
  /** Whether everything still passes. */
  readonly isAlive: boolean
  /** Ends both sides: `reset` as a broken router, `end` as a tidy one. */
  cut(how: 'reset' | 'end'): void
  /** Lets nothing through any more and tells nobody. There is no way back: such a connection is dead. */
  silence(way?: Way): void
  /** Takes nothing from the sender until `release`. */
  hold(way: Way): void
  release(way: Way): void
}

export interface FaultProxy {
  /** Where clients go. */
  readonly url: string
  /** Where new connections lead from now on. */
  lead(to: string): void
  /** Sets some of the weather; it begins fair. */
  set(weather: Partial<Weather>): void
  /** Nothing happens any more to frames and requests, and new connections are served. */
  heal(): void
  /** How new connections are met. */
  meet(how: 'serve' | 'refuse' | 'silently'): void
  /** Answers when the next connection is refused or met with silence. */
  turnsAway(): Promise<void>
  /** Those that stand. */
  links(): readonly Link[]
  /** Connections that carried a WebSocket and were cut or silenced. */
  readonly disconnects: number
  close(): Promise<void>
}

export interface FaultProxyOptions {
  seed?: number
  /** Which frames may be lost, doubled and swapped; all, if absent. */
  meddlesWith?: (text: string, way: Way) => boolean
  /** Ends by itself after this. */
  limitMs?: number
}

const fair: Weather = { lose: 0, double: 0, swap: 0, lateMs: 0, loseRequest: 0, loseAnswer: 0, doubleRequest: 0 }
const TEN_MINUTES = 600_000
const MOST_LINKS = 5_000

/** What all links of a proxy share. */
interface Sky {
  target: { host: string; port: number }
  weather: Weather
  random: () => number
  meddlesWith: (text: string, way: Way) => boolean
  noteDisconnect: () => void
}

/** Starts a proxy that leads to this address, with fair weather. */
export async function startFaultProxy(to: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const links = new Set<Link>()
  const sockets = new Set<Socket>()
  let meeting: 'serve' | 'refuse' | 'silently' = 'serve'
  let disconnects = 0
  let noteTurned: () => void = ignore
  const sky: Sky = {
    target: addressOf(to),
    weather: { ...fair },
    random: makeRandom(options.seed ?? 1),
    meddlesWith: options.meddlesWith ?? (() => true),
    noteDisconnect: () => void (disconnects += 1),
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    sockets.add(client)
    client.on('error', ignore).on('close', () => sockets.delete(client))
    if (meeting === 'refuse' || links.size >= MOST_LINKS) client.resetAndDestroy()
    if (meeting !== 'serve') {
      noteTurned()
      return
    }
    const upstream = connect({ ...sky.target, allowHalfOpen: true })
    sockets.add(upstream)
    const link = makeLink(sky, client, upstream)
    links.add(link)
    const forget = () => {
      if (client.destroyed && upstream.destroyed) links.delete(link)
    }
    client.on('close', forget)
    upstream.on('error', ignore).on('close', () => {
      sockets.delete(upstream)
      forget()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    lead: (next) => void (sky.target = addressOf(next)),
    set: (weather) => void (sky.weather = { ...sky.weather, ...weather }),
    heal() {
      sky.weather = { ...fair }
      meeting = 'serve'
    },
    meet: (how) => void (meeting = how),
    turnsAway: () => new Promise((resolve) => (noteTurned = resolve)),
    links: () => [...links].filter(({ isAlive }) => isAlive),
    get disconnects() {
      return disconnects
    },
    async close() {
      clearTimeout(limit)
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
  const limit = setTimeout(() => void proxy.close(), options.limitMs ?? TEN_MINUTES).unref()
  return proxy
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One direction of a link. */
interface Stream {
  way: Way
  from: Socket
  to: Socket
  isSilent: boolean
  isHeld: boolean
  /** Held back to change places with the next one. */
  swapped: Buffer | undefined
  /** What is late, in order. */
  late: { dueMs: number; task: () => void }[]
}

function makeLink(sky: Sky, client: Socket, upstream: Socket): Link {
  let isSocket = false
  let losesAnswer = false
  const make = (way: Way, from: Socket, to: Socket): Stream => ({
    ...{ way, from, to },
    ...{ isSilent: false, isHeld: false, swapped: undefined, late: [] },
  })
  const streams = { up: make('up', client, upstream), down: make('down', upstream, client) }

  const link: Link = {
    get isSocket() {
      return isSocket
    },
    get isAlive() {
      return !isDead()
    },
    cut(how) {
      if (isSocket && !isDead()) sky.noteDisconnect()
      for (const socket of [client, upstream]) {
        if (how === 'reset') socket.resetAndDestroy()
        else socket.destroySoon()
      }
    },
    silence(way) {
      if (isSocket && !isDead()) sky.noteDisconnect()
      for (const stream of [streams.up, streams.down])
        if (way === undefined || stream.way === way) {
          stream.isSilent = true
          stream.from.resume()
        }
    },
    hold(way) {
      streams[way].isHeld = true
      streams[way].from.pause()
    },
    release(way) {
      streams[way].isHeld = false
      streams[way].from.resume()
    },
  }
  const isDead = () => client.destroyed || streams.up.isSilent || streams.down.isSilent

  function pass(stream: Stream, unit: Unit): void {
    if (unit.kind === 'upgrade') isSocket = true
    if (stream.way === 'down' && losesAnswer) link.cut('reset')
    else if (unit.kind === 'request') passRequest(stream, unit)
    else if (unit.kind === 'text') passText(sky, stream, unit)
    else write(sky, stream, unit.bytes)
  }

  function passRequest(stream: Stream, { bytes }: Unit): void {
    const { loseRequest, loseAnswer, doubleRequest } = sky.weather
    if (sky.random() < loseRequest) {
      link.cut('reset')
      return
    }
    losesAnswer = sky.random() < loseAnswer
    if (sky.random() < doubleRequest) sendOnce(sky, bytes)
    write(sky, stream, bytes)
  }

  for (const stream of [streams.up, streams.down]) {
    const split = makeSplitter(stream.way)
    stream.from.on('data', (bytes: Buffer) => {
      for (const unit of split(bytes)) if (!stream.isSilent) pass(stream, unit)
    })
    // What ends is told to the other side, except where nothing passes any more.
    stream.from.on('end', () => {
      if (!stream.isSilent) later(sky, stream, () => stream.to.end())
    })
    stream.from.on('close', () => {
      if (!stream.isSilent) later(sky, stream, () => stream.to.destroySoon())
    })
  }
  return link
}

/** A frame goes by, or what the weather makes of it. */
function passText(sky: Sky, stream: Stream, unit: Unit): void {
  const { lose, double, swap } = sky.weather
  const isMeddledWith = lose + double + swap > 0 && sky.meddlesWith(textOf(unit), stream.way)
  const luck = isMeddledWith ? sky.random() : 1
  if (luck < lose) return
  if (luck < lose + swap && stream.swapped === undefined) {
    stream.swapped = unit.bytes
    return
  }
  write(sky, stream, unit.bytes)
  if (luck >= lose + swap && luck < lose + swap + double) write(sky, stream, unit.bytes)
  if (stream.swapped === undefined) return
  write(sky, stream, stream.swapped)
  stream.swapped = undefined
}

function write(sky: Sky, stream: Stream, bytes: Buffer): void {
  later(sky, stream, () => {
    if (stream.isSilent || !stream.to.writable) return
    if (stream.to.write(bytes)) return
    stream.from.pause()
    stream.to.once('drain', () => {
      if (!stream.isHeld) stream.from.resume()
    })
  })
}

/** Does it now or, when it is late, after everything that was to be done before. */
function later(sky: Sky, { late }: Stream, task: () => void): void {
  const { lateMs } = sky.weather
  if (lateMs === 0 && late.length === 0) {
    task()
    return
  }
  const dueMs = Math.max(late.at(-1)?.dueMs ?? 0, performance.now() + sky.random() * lateMs)
  if (late.push({ dueMs, task }) === 1) wakeFor(late)
}

function wakeFor(late: Stream['late']): void {
  const first = late[0]
  if (first === undefined) return
  const waitMs = Math.max(0, first.dueMs - performance.now())
  setTimeout(() => {
    first.task()
    late.shift()
    wakeFor(late)
  }, waitMs).unref()
}

/** The same request on a connection of its own, whose answer nobody reads. */
function sendOnce({ target }: Sky, bytes: Buffer): void {
  const twin = connect(target, () => twin.write(bytes))
  twin.on('error', ignore).once('data', () => twin.destroy())
  twin.setTimeout(10_000, () => twin.destroy()).unref()
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

function ignore(): void {}
