import type { KeyValueStorage } from './storage.ts'

/** What the tabs of a browser tell each other about an outbox they share. */
export interface Tabs {
  /** Runs one piece of work after the other, over all tabs where they can agree. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Calls once this tab is the one that sends; at once where tabs cannot agree, and then in each of them. */
  onLead(listener: () => void): void
  tell(message: unknown): void
  onTold(listener: (message: unknown) => void): void
  end(): void
}

/**
 * Tabs agree by Web Locks and talk over a BroadcastChannel. Where one of these is missing, or the storage is this
 * program's alone, each acts for itself: the server knows messages by their ids, so one that two tabs send is said once.
 */
export function openTabs(key: string, storage: KeyValueStorage): Tabs {
  const locks = (globalThis.navigator as { locks?: LockManager | null } | undefined)?.locks ?? undefined
  const isShared = storage.isPrivate !== true && locks !== undefined && 'BroadcastChannel' in globalThis
  return isShared ? sharedTabs(key, locks) : singleTab()
}

function singleTab(): Tabs {
  let last: Promise<unknown> = Promise.resolve()
  return {
    exclusively(work) {
      const next = last.then(work)
      last = next.catch(() => undefined)
      return next
    },
    onLead: (listener) => listener(),
    tell: () => undefined,
    onTold: () => undefined,
    end: () => undefined,
  }
}

function sharedTabs(key: string, locks: LockManager): Tabs {
  const channel = new BroadcastChannel(key)
  const ending = new AbortController()
  // Node would wait for the channel before it ends.
  ;(channel as { unref?: () => void }).unref?.()
  return {
    exclusively: (work) => locks.request(`${key}:storage`, work),
    onLead(listener) {
      const hold = () =>
        new Promise<void>((resolve) => {
          ending.signal.addEventListener('abort', () => resolve())
          listener()
        })
      // Rejects only when this tab ends before it leads.
      locks.request(`${key}:lead`, { signal: ending.signal }, hold).catch(() => undefined)
    },
    tell: (message) => channel.postMessage(message),
    onTold: (listener) => void (channel.onmessage = ({ data }) => listener(data)),
    end() {
      ending.abort()
      channel.close()
    },
  }
}
