// What can be called, on a socket or without one: an allow-list of names (promises A31).
import { ApiError } from '../../api-error.ts'
import type { Called, Session } from '../../realtime/connection.ts'
import { matchFailed, wireError } from '../../realtime/ddp.ts'
import type { Peer } from '../../realtime/hub.ts'
import { agentMethods } from './agent-methods.ts'
import { deskMethods } from './desk-methods.ts'
import { Mismatch } from './given.ts'
import type { Method, Reach } from './method.ts'
import { roomMethods } from './room-methods.ts'
import { sessionMethods } from './session-methods.ts'
import { visitorMethods } from './visitor-methods.ts'

/** Every method by its name. */
export const methods: Readonly<Record<string, Method>> = {
  ...sessionMethods,
  ...visitorMethods,
  ...agentMethods,
  ...roomMethods,
  ...deskMethods,
}

/** Calls a method by its name; `peer` is missing where the call came without a socket. */
export async function callMethod(
  reach: Reach,
  session: Session,
  { method, params }: { method: string; params: readonly unknown[] },
  peer: Peer | undefined,
): Promise<Called> {
  const run = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (run === undefined) return { error: wireError(404, `Method '${method}' not found`) }
  try {
    return await run(reach, session, params, peer)
  } catch (error) {
    if (error instanceof Mismatch) return { error: matchFailed }
    if (error instanceof ApiError) return { error: wireError(error.code, error.reason, error.details) }
    throw error
  }
}
