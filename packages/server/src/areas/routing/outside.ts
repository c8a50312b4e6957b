import type { Context } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import { listCandidates } from './agent-store.ts'
import { isOnline } from './choose-agent.ts'

/** What the outside service is asked (contract §C.4). */
export interface OutsideQuestion {
  departmentId: string | undefined
  /** An agent whom it should not name. */
  exceptAgentId: string | undefined
}

/** The outside service of `External` routing, as far as a rule can see it. */
export interface Outside {
  /** What it has answered so far: whom it named, if anybody. */
  readonly answers: ReadonlyMap<string, string | undefined>
  /** It is asked nothing more: to every other question it names nobody. */
  readonly isOver: boolean
}

/** A rule cannot go on without the outside service. Nothing of it is written: `withOutside` asks, and runs it again. */
class OutsideNeeded extends Error {
  override name = 'OutsideNeeded'
  readonly question: OutsideQuestion
  constructor(question: OutsideQuestion) {
    super('The outside service decides who serves this chat.')
    this.question = question
  }
}

/** Stops the rule where the service could be asked this and was not. */
export function requireAnswer(outside: Outside | undefined, question: OutsideQuestion): void {
  if (outside !== undefined && !outside.isOver && !outside.answers.has(keyOf(question)))
    throw new OutsideNeeded(question)
}

/** Whom the service named, if it was asked this and named anybody. */
export function answerOf(outside: Outside | undefined, question: OutsideQuestion): string | undefined {
  return outside?.answers.get(keyOf(question))
}

function keyOf({ departmentId, exceptAgentId }: OutsideQuestion): string {
  return JSON.stringify([departmentId, exceptAgentId])
}

/** What asking takes; a part of the context. */
export type Asker = Pick<Context, 'transact' | 'read' | 'log'>

/** A room that falls from one department to the next asks for each; what changes while it asks is not asked for ever. */
const MOST_QUESTIONS = 10

/**
 * Runs a rule that may give a chat to somebody. No transaction is open while the outside service is asked, for ten seconds
 * in all.
 */
export async function withOutside<Result>(
  asker: Asker,
  rule: (tx: Transaction, outside: Outside) => Promise<Result>,
): Promise<Result> {
  const answers = new Map<string, string | undefined>()
  let deadline: AbortSignal | undefined
  for (;;) {
    const isOver = answers.size >= MOST_QUESTIONS || deadline?.aborted === true
    try {
      return await asker.transact((tx) => rule(tx, { answers, isOver }))
    } catch (error) {
      if (!(error instanceof OutsideNeeded)) throw error
      deadline ??= AbortSignal.timeout(LONGEST_MS)
      answers.set(keyOf(error.question), await askOutside(asker, error.question, deadline))
    }
  }
}

const ATTEMPTS = 10
const LONGEST_MS = 10_000
const LONGEST_ANSWER = 16 * 1_024

/** The online agent whom the outside service names; `undefined` where it names none in ten attempts, or until the deadline. */
export async function askOutside(
  { read, log }: Pick<Asker, 'read' | 'log'>,
  question: OutsideQuestion,
  deadline = AbortSignal.timeout(LONGEST_MS),
): Promise<string | undefined> {
  const settings = await readSettings(read)
  const url = addressOf(settings, question)
  if (url === undefined) {
    log.warn('Routing is External and Livechat_External_Queue_URL is no http address.')
    return undefined
  }
  for (let attempt = 0; attempt < ATTEMPTS && !deadline.aborted; attempt++) {
    try {
      const username = await askOnce(url, settings, deadline)
      if (username !== undefined && (await isAgentOnline(read, username))) return username
    } catch (error) {
      log.warn({ err: error }, 'The service that routes chats did not answer.')
    }
  }
  return undefined
}

function addressOf(settings: Settings, { departmentId, exceptAgentId }: OutsideQuestion): URL | undefined {
  const address = settings.Livechat_External_Queue_URL.trim()
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return undefined
  const url = new URL(address)
  if (departmentId !== undefined) url.searchParams.set('departmentId', departmentId)
  if (exceptAgentId !== undefined) url.searchParams.set('ignoreAgentId', exceptAgentId)
  return url
}

async function askOnce(url: URL, settings: Settings, deadline: AbortSignal): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(Math.max(1, settings.Livechat_http_timeout))
  const response = await fetch(url, {
    // Followed, the secret would go to wherever it leads.
    redirect: 'manual',
    signal: AbortSignal.any([deadline, timeout]),
    headers: {
      'User-Agent': 'RocketChat Server',
      Accept: 'application/json',
      'X-RocketChat-Secret-Token': settings.Livechat_External_Queue_Token,
    },
  })
  const text = await readBounded(response)
  if (!response.ok) throw new Error(`It answered with status ${String(response.status)}.`)
  const answer = JSON.parse(text) as { username?: unknown } | null
  return typeof answer?.username === 'string' ? answer.username : undefined
}

/** The body, if it is no longer than anything we expect. */
async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.byteLength
    if (size > LONGEST_ANSWER) throw new Error('Its answer is too long.')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

async function isAgentOnline(reader: Reader, username: string): Promise<boolean> {
  const agent = (await listCandidates(reader)).find((candidate) => candidate.username === username)
  return agent !== undefined && isOnline(agent)
}
