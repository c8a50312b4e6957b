import type { KeyValueStorage } from './storage.ts'

/** What the tabs of a browser tell each other about an outbox they share. */
export interface Tabs {
  /** Whether the others hear what is told here. Where not, nothing but the storage says what they do. */
  readonly canTell: boolean
  /** Runs one piece of work after the other, over all tabs where they can agree. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Calls once this tab is the one that sends; at once where tabs cannot agree, and then in each of them. */
  onLead(listener: () => void): void
  tell(message: unknown): void
  onTold(listener: (message: unknown) => void): void
  end(): void
}

/** How long a tab may need for the storage. */
const heldAtMostMs = 3_000

/**
 * Tabs talk over a BroadcastChannel and agree by Web Locks, which pages without encryption do not have. Where they cannot
 * agree, or the storage is this program's alone, each acts for itself: the server knows messages by their ids, so one that
 * two tabs send is said once.
 */
export function openTabs(key: string, storage: KeyValueStorage): Tabs {
  const canTell = storage.isPrivate !== true && 'BroadcastChannel' in globalThis
  const channel = canTell ? new BroadcastChannel(key) : undefined
  const locks = canTell && (globalThis.navigator as { locks?: LockManager | null } | undefined)?.locks
  const ending = new AbortController()
  let last: Promise<unknown> = Promise.resolve()
  // Node would wait for the channel before it ends.
  ;(channel as { unref?: () => void } | undefined)?.unref?.()

  return {
    canTell,
    exclusively(work) {
      if (locks) return locked(locks, `${key}:storage`, work)
      const next = last.then(work)
      last = next.catch(() => undefined)
      return next
    },
    onLead(listener) {
      const hold = () =>
        new Promise<void>((resolve) => {
          ending.signal.addEventListener('abort', () => resolve())
          listener()
        })
      // Rejects only when this tab ends before it leads.
      if (!locks) listener()
      else locks.request(`${key}:lead`, { signal: ending.signal }, hold).catch(() => undefined)
    },
    tell: (message) => channel?.postMessage(message),
    onTold(listener) {
      if (channel !== undefined) channel.onmessage = ({ data }) => listener(data)
    },
    end() {
      ending.abort()
      channel?.close()
    },
  }
}

async function locked<T>(locks: LockManager, name: string, work: () => Promise<T>): Promise<T> {
  let done: Promise<T> | undefined
  const turn = () => (done = work())
  // Rejects with what the work rejects with, which is answered below, or when a tab has taken the lock away since.
  const take = (options: LockOptions) => locks.request(name, options, turn).catch(() => undefined)
  await take({ signal: AbortSignal.timeout(heldAtMostMs) })
  // A tab that is frozen keeps what it holds until it wakes.
  if (done === undefined) await take({ steal: true })
  return done ?? work()
}
