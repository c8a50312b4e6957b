import type { Caller, Operation } from '@deskbell/contract/operation.ts'
import { formOf, internalError, notPermitted, notSignedIn } from '@deskbell/contract/refusals.ts'
import { ApiError } from '../api-error.ts'
import type { Context, RequestInfo, SignedIn, WhoIs } from '../context.ts'
import { project, readFields } from '../fields.ts'
import type { IncomingForm } from './form.ts'
import { limitCall, makeLimiterNow, type LimiterOptions } from './limit-calls.ts'
import { replyTo, type Reply } from './reply.ts'
import { describeWrongAnswer, validateInput, type RawInput } from './validate.ts'

/** One call, whichever transport brought it: HTTP request or socket frame. */
export interface Call {
  key: string
  input: RawInput
  /** Of operations that take a file. */
  form?: IncomingForm | undefined
  request: RequestInfo
}

export interface Served {
  operation: Operation
  // The table that routes.ts builds pairs each operation with a handler of its own types.
  handler: (context: Context, input: never) => Promise<unknown>
}

export interface DispatchOptions extends LimiterOptions {
  context: Context
  operations: ReadonlyMap<string, Served>
  /** Whose credentials these are; areas/sessions answers. */
  authenticate: WhoIs
  /** Development and tests: an answer or an error that the contract does not declare is a fault. */
  checksAnswers: boolean
  /** Told of every refusal with a code, so that a test run can tell which errors nobody provoked. */
  onRefused?: ((key: string, code: string) => void) | undefined
}

export type Dispatch = (call: Call) => Promise<Reply>

/**
 * The only middleware. Every call passes the same steps in the order the wire expects (contract §G.3): sign-in, rate
 * limit, shape, permission, handler; then, in development and tests, the answer is held against the contract.
 */
export function makeDispatch(options: DispatchOptions): Dispatch {
  const { context, operations, checksAnswers } = options
  const limiterNow = makeLimiterNow(options)

  return async (call) => {
    const served = operations.get(call.key)
    if (served === undefined) throw new Error(`No operation '${call.key}'`)
    try {
      const user = await callerOf(served.operation, call)
      return user === 'nobody' ? notSignedIn : await answer(call, served, user)
    } catch (error) {
      return failed(error, served.operation, call)
    }
  }

  async function answer(call: Call, { operation, handler }: Served, user: SignedIn | undefined): Promise<Reply> {
    const limited = limitCall(await limiterNow(), operation, call, user)
    if (limited.refusal !== undefined) return limited.refusal
    try {
      const isAllowed = isPermitted(operation.caller, user)
      // The shapes of old operations are tested where the work is done, behind the permission.
      if (!isAllowed && operation.validation === 'match') return notPermitted
      const input = validateInput(operation, call.input)
      if (!isAllowed) return notPermitted

      const handle = handler as (context: Context, input: unknown) => Promise<unknown>
      const given = { ...input, user, form: call.form, request: call.request, tokens: limited.tokens }
      const answered = await handle(context, given)
      limited.note(undefined)
      if (checksAnswers) refuseWrongAnswer(call.key, operation, answered)
      return { status: 200, headers: limited.headers, body: envelope(operation, narrowed(input.query, answered)) }
    } catch (error) {
      return limited.note(error) ?? { headers: limited.headers, ...failed(error, operation, call) }
    }
  }

  /** The staff member who calls, where the operation asks for one. */
  async function callerOf(operation: Operation, call: Call): Promise<SignedIn | undefined | 'nobody'> {
    if (operation.caller === 'anyone') return undefined
    return (await options.authenticate(call.request.credentials)) ?? 'nobody'
  }

  function failed(error: unknown, operation: Operation, call: Call): Reply {
    if (error instanceof ApiError) options.onRefused?.(call.key, error.code)
    const reply = replyTo(error, operation)
    if (reply !== undefined && reply.status < 500) return reply
    const undeclared = error instanceof ApiError && formOf(operation, error.code) === undefined
    context.log.error({ err: error, operation: call.key, requestId: call.request.id, undeclared }, 'A call failed.')
    return reply ?? internalError(call.request.id)
  }
}

function isPermitted(caller: Caller, user: SignedIn | undefined): boolean {
  if (user === undefined) return caller === 'anyone'
  if (typeof caller === 'string') return true
  if ('permission' in caller) return user.can(caller.permission)
  return 'anyOf' in caller ? caller.anyOf.some(user.can) : caller.allOf.every(user.can)
}

function refuseWrongAnswer(key: string, operation: Operation, answer: unknown): void {
  const wrong = describeWrongAnswer(operation, answer)
  if (wrong !== undefined) throw new Error(`The answer of '${key}' is not what the contract says: ${wrong}`)
}

/** The documents of a list with the fields that the caller asked for (contract §G.4). */
function narrowed(query: unknown, answer: unknown): unknown {
  const { fields: asked } = (query ?? {}) as { fields?: unknown }
  const fields = typeof asked === 'string' ? readFields(asked) : undefined
  if (fields === undefined) return answer
  return Object.fromEntries(
    Object.entries(answer as object).map(([name, part]: [string, unknown]) => [
      name,
      Array.isArray(part) ? project(part, fields) : part,
    ]),
  )
}

function envelope(operation: Operation, answer: unknown): unknown {
  if (operation.envelope === 'plain') return answer
  return { ...(answer as object | undefined), success: true }
}
