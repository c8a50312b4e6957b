import type { MessageAnswer, StoredMessageAnswer } from './answers.ts'
import type { Call, CallOptions } from './call.ts'

/** What is sent; with an `_id` it can be sent again. */
export interface SentMessage {
  token: string
  rid: string
  msg: string
  _id?: string | undefined
  agent?: object | undefined
}

/**
 * Sends a visitor's message. With an `_id` it exists once however often it was sent; without one it is sent once. Rejects
 * as `call` does.
 */
export async function sendMessage<T = MessageAnswer>(
  call: Call,
  message: SentMessage,
  options?: CallOptions,
): Promise<T> {
  const { token, rid, _id } = message
  const hasId = typeof _id === 'string' && _id !== ''
  try {
    return await call<T>('POST /livechat/message', { json: message, repeatable: hasId }, options)
  } catch (error) {
    // Rocket.Chat refuses the second copy of a message without a word, although the first one is stored.
    if (!hasId || !isWordless(error)) throw error
    const asked = { params: { _id }, query: { token, rid } }
    const stored = await call<StoredMessageAnswer>('GET /livechat/message/:_id', asked, options).catch(() => undefined)
    if (stored?.message.token !== token) throw error
    return stored as T
  }
}

/** Both kinds of errors keep the server's answer; one has its status as `code`. */
function isWordless(error: unknown): boolean {
  const { details, code, status } = Object(error) as { details?: unknown; code?: unknown; status?: unknown }
  if ((status ?? code) !== 400 || typeof details !== 'object' || details === null) return false
  return !('error' in details) && !('message' in details)
}
