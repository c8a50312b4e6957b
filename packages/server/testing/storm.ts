// Conversations over a bad network: both sides of all of them talk, and again and again something happens to their connections.
import { makeRandom, type FaultProxy, type Link, type Way } from './fault-proxy.ts'
import { talk, untilCaughtUp, type Conversation } from './talker.ts'

export interface StormOptions {
  proxy: FaultProxy
  conversations: readonly Conversation[]
  /** It ends when so many sockets were cut or silenced. */
  disconnects: number
  seed: number
  /** Told after each round: what was done, and how long after it everybody had caught up. */
  onRound?: (fault: FaultName, caughtUpMs: number) => void
}

/** What can happen to a socket in the middle of a conversation. */
type Fault = (proxy: FaultProxy, link: Link) => void

const faults = {
  reset: (_proxy, link) => link.cut('reset'),
  end: (_proxy, link) => link.cut('end'),
  'half-open': (_proxy, link) => link.silence(),
  'half-open, still heard': (_proxy, link) => link.silence('down'),
  'half-open, still hearing': (_proxy, link) => link.silence('up'),
  'everybody at once': (proxy) => {
    for (const link of proxy.links()) link.cut('reset')
  },
  'everybody silenced': (proxy) => {
    for (const link of proxy.links()) if (link.isSocket) link.silence()
  },
  'refused when coming back': (proxy, link) => {
    proxy.meet('refuse')
    link.cut('reset')
  },
  'met with silence when coming back': (proxy, link) => {
    proxy.meet('silently')
    link.cut('end')
  },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

const roughWeather = { loseRequest: 0.05, loseAnswer: 0.1, doubleRequest: 0.1 }
/** Frames that are lost, doubled and swapped. */
export const faultyFrames = { lose: 0.1, double: 0.1, swap: 0.1 }
const names = Object.keys(faults) as FaultName[]

/** Only what was said may be lost, doubled or swapped on a socket: such holes are for clients to notice. */
export function isEvent(text: string, way: Way): boolean {
  return way === 'down' && text.includes('"msg":"changed"')
}

/** Talks through so many disconnects; answers when all have caught up over a network that has healed. */
export async function rideStorm({ proxy, conversations, disconnects, seed, onRound }: StormOptions): Promise<void> {
  const random = makeRandom(seed)
  for (let round = 0; proxy.disconnects < disconnects; round++) {
    const name = names[Math.floor(random() * names.length)] ?? 'reset'
    const losesFrames = random() < 0.5
    proxy.set({ ...roughWeather, ...(losesFrames && faultyFrames), lateMs: random() < 0.3 ? 10 : 0 })
    const talking = conversations.flatMap((conversation) => talkOfBoth(conversation, round))
    // In the middle of it: some is said already, some on its way, some not yet.
    await Promise.race(talking)
    const sockets = openSockets(proxy)
    const link = sockets[Math.floor(random() * sockets.length)]
    if (link !== undefined) {
      const isTurnedAway = proxy.turnsAway()
      faults[name](proxy, link)
      if (name.endsWith('coming back')) await isTurnedAway
    }
    // A frame that was lost last leaves no hole: only a client that comes back can know.
    if (losesFrames) for (const each of openSockets(proxy)) each.cut('end')
    proxy.heal()
    const healedAt = performance.now()
    await Promise.all(talking)
    await Promise.all(conversations.map(untilCaughtUp))
    onRound?.(name, performance.now() - healedAt)
  }
}

function talkOfBoth(conversation: Conversation, round: number): Promise<void>[] {
  return (['visitor', 'agent'] as const).map((side) =>
    talk(conversation, side, [`${side} ${String(round * 2)}`, `${side} ${String(round * 2 + 1)}`]),
  )
}

function openSockets(proxy: FaultProxy): Link[] {
  return proxy.links().filter(({ isSocket }) => isSocket)
}
