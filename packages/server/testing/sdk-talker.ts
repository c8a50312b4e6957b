// Our own sessions as somebody in a conversation.
import type { Clock } from '../../sdk/src/clock.ts'
import { memoryStorage, openVisitorSession, type OutboxItem, type VisitorSession } from '../../sdk/src/sdk.ts'
import { makeRandom } from './fault-proxy.ts'
import type { Talker } from './talker.ts'

export interface SdkTalkerOptions {
  serverURL: string
  token: string
  clock?: Clock
}

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
export async function openVisitorTalker({ serverURL, token, clock }: SdkTalkerOptions): Promise<Talker> {
  const session = await openVisitorSession({ serverURL, token, clock, storage: memoryStorage() })
  const told: string[] = []
  session.on('message', ({ message }) => told.push(message._id))
  return {
    told,
    say: (text) => untilSent(session, session.send(text)),
    shown: () => session.state.messages.map(({ _id }) => _id),
    watch: (listener) => session.subscribe(listener),
    isOnline: () => session.state.connection.status === 'online' && session.state.room !== undefined,
    end: () => session.end(),
  }
}

/** Answers when the server has it. */
function untilSent(session: Pick<VisitorSession, 'on'>, { _id }: OutboxItem): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = session.on('outbox', ({ item }) => {
      if (item._id !== _id || item.state === 'pending') return
      stop()
      if (item.state === 'sent') resolve(_id)
      else reject(new Error(`${item.msg} was refused: ${item.error?.message ?? 'no reason given'}`))
    })
  })
}
