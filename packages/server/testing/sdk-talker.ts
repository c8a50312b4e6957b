// Our own sessions as somebody in a conversation.
import type { Clock } from '../../sdk/src/clock.ts'
import {
  memoryStorage,
  openAgentSession,
  openVisitorSession,
  type AgentSession,
  type AgentSessionOptions,
  type OutboxItem,
  type MessageEvent,
  type OutboxEvent,
  type VisitorSession,
  type VisitorSessionOptions,
} from '../../sdk/src/sdk.ts'
import { makeRandom } from './fault-proxy.ts'
import type { Talker } from './talker.ts'

/** A clock whose every second passes in a fraction of one, so that patience costs little. */
export function makeQuickClock(times: number, seed: number): Clock {
  const startedMs = Date.now()
  return {
    now: () => startedMs + (Date.now() - startedMs) * times,
    setTimeout: (callback, ms) => setTimeout(callback, ms / times),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    random: makeRandom(seed),
  }
}

/** A visitor with `openVisitorSession`, who comes back to the open room. */
export async function openVisitorTalker(options: VisitorSessionOptions & { token: string }): Promise<Talker> {
  const session: VisitorSession = await openVisitorSession({ storage: memoryStorage(), ...options })
  return {
    told: noteTold(
      (listener) => session.on('message', listener),
      () => true,
    ),
    say: (text) => untilSent((listener) => session.on('outbox', listener), session.send(text)),
    shown: () => session.state.messages.map(({ _id }) => _id),
    watch: (listener) => session.subscribe(listener),
    isOnline: () => session.state.connection.status === 'online' && session.state.room !== undefined,
    end: () => session.end(),
  }
}

/** An agent with `openAgentSession`, who talks in any number of rooms. */
export interface AgentOfRooms {
  session: AgentSession
  /** The agent in one of them; ending it ends nothing of the others. */
  talkerIn(rid: string): Talker
}

/** Signs an agent in who is there already. */
export async function openAgentOfRooms(options: AgentSessionOptions): Promise<AgentOfRooms> {
  const session: AgentSession = await openAgentSession(options)
  const roomOf = (rid: string) => session.state.rooms.find((room) => room.rid === rid)
  return {
    session,
    talkerIn: (rid) => ({
      told: noteTold(
        (listener) => session.on('message', listener),
        (event) => event.rid === rid,
      ),
      say: (text) => untilSent((listener) => session.on('outbox', listener), session.send(rid, text)),
      shown: () => roomOf(rid)?.messages.map(({ _id }) => _id) ?? [],
      watch: (listener) => session.subscribe(listener),
      isOnline: () => session.state.connection.status === 'online' && roomOf(rid) !== undefined,
      end: () => undefined,
    }),
  }
}

type Hears<Event> = (listener: (event: Event) => void) => () => void

/** The ids of messages in the order in which a session tells of them. */
function noteTold(hear: Hears<MessageEvent>, isMeant: (event: MessageEvent) => boolean): string[] {
  const told: string[] = []
  hear((event) => {
    if (isMeant(event)) told.push(event.message._id)
  })
  return told
}

/** Answers when the server has it. */
function untilSent(hear: Hears<OutboxEvent>, { _id }: OutboxItem): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = hear(({ item }) => {
      if (item._id !== _id || item.state === 'pending') return
      stop()
      if (item.state === 'sent') resolve(_id)
      else reject(new Error(`${item.msg} was refused: ${item.error?.message ?? 'no reason given'}`))
    })
  })
}
