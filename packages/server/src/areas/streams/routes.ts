import type { streams } from '@deskbell/contract/areas/streams.ts'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers, RequestInfo } from '../../context.ts'
import type { Called, Session } from '../../realtime/connection.ts'
import { frames, readMethodCall, wireError } from '../../realtime/ddp.ts'

/** Calls a method for whoever has no socket. */
export type CallMethod = (session: Session, method: string, params: readonly unknown[]) => Promise<Called>

/** The handlers that let methods be called without a socket. Methods call operations, so they are handed in. */
export function streamRoutes(callMethod: CallMethod): Handlers<typeof streams> {
  return {
    'POST /method.call/:method': ({ log }, { body, request }) => answerCall({ callMethod, log }, body.message, request),
    'POST /method.callAnon/:method': ({ log }, { body, request }) =>
      answerCall({ callMethod, log }, body.message, { ...request, credentials: undefined }),
  }
}

async function answerCall(
  { callMethod, log }: { callMethod: CallMethod; log: Context['log'] },
  text: string,
  request: RequestInfo,
): Promise<{ message: string }> {
  const asked = readMethodCall(text)
  if (asked === undefined) throw new ApiError('invalid-method-call')
  const { id, method, params } = asked
  const { credentials } = request
  const session: Session = { id: request.id, request, ...(credentials !== undefined && { credentials }) }
  try {
    const called = await callMethod(session, method, params)
    return { message: 'error' in called ? frames.failed(id, called.error) : frames.result(id, called.result) }
  } catch (error) {
    log.error({ err: error, requestId: request.id }, 'A method failed.')
    return { message: frames.failed(id, wireError(500, 'Internal server error')) }
  }
}
