import { callsTo, withoutSlashes } from './call.ts'
import { platformClock } from './clock.ts'
import { openConnection } from './connection.ts'
import { asLivechatError } from './livechat-error.ts'
import { randomId } from './random-id.ts'
import { itemStorage, memoryStorage } from './storage.ts'
import type { KeyValueStorage } from './storage.ts'
import { openTabs } from './tabs.ts'
import type { VisitorSession, VisitorSessionOptions } from './visitor.ts'
import { openSession } from './visitor-session.ts'

/**
 * Opens a visitor's session. It answers without waiting for the network, and begins to connect; an outbox that an earlier
 * program left in the storage is sent. Rejects with `LivechatError` for a `serverURL` that is none, and with whatever the
 * storage rejects with while the token is read.
 */
export async function openVisitorSession(options: VisitorSessionOptions): Promise<VisitorSession> {
  const { clock = platformClock, storage = usualStorage() } = options
  // Calls are repeated by the session, which knows when the network is back.
  const call = callsTo(options, { errorOf: asLivechatError, clock })
  const key = `deskbell:${withoutSlashes(options.serverURL)}`
  const token = options.token ?? (await keptToken(storage, `${key}:token`))
  const connection = openConnection({ ...options, clock })
  return openSession({ options, call, connection, clock, storage, key, token })
}

/** What lasts over a reload where the page has it, and may use it. */
function usualStorage(): KeyValueStorage {
  try {
    // Node has a `localStorage` without pages, which warns when it is touched.
    return 'document' in globalThis ? itemStorage() : memoryStorage()
  } catch {
    return memoryStorage()
  }
}

/** Tabs that are opened together must not become two visitors. */
async function keptToken(storage: KeyValueStorage, key: string): Promise<string> {
  const tabs = openTabs(key, storage)
  try {
    return await tabs.exclusively(async () => {
      const kept = await storage.get(key)
      if (typeof kept === 'string' && kept !== '') return kept
      await storage.set(key, randomId(32))
      // Where tabs cannot agree, the last one that wrote is right.
      return (await storage.get(key)) as string
    })
  } finally {
    tabs.end()
  }
}
