// How members of the staff are connected to this process. What changes is noted in the database, where all processes meet.
import type { Context } from '../../context.ts'
import type { Session } from '../../realtime/connection.ts'
import { randomBytes } from 'node:crypto'
import { beat, findSilent, forgetProcess, noteConnection, type ConnectionStatus } from '../presence/presence.ts'

/** Somebody who loads a console anew is back within this time, and was never away. */
const GONE_AFTER_MS = 3_000

/** Somebody whose sockets say this and that is told so often at most (promises A27). */
const APART_MS = 1_000

const BEAT_MS = 10_000

export class StaffPresence {
  readonly #context: Pick<Context, 'transact' | 'read' | 'clock' | 'log'>
  readonly #processId = randomBytes(12).toString('base64url')
  readonly #sockets = new Map<string, Map<Session, ConnectionStatus>>()
  /** What was noted last, by user. */
  readonly #noted = new Map<string, ConnectionStatus>()
  readonly #leaving = new Map<string, NodeJS.Timeout>()
  /** Those of whom something was noted a moment ago, and of these those who have said something since. */
  readonly #resting = new Map<string, NodeJS.Timeout>()
  readonly #due = new Set<string>()
  #work: Promise<void> = Promise.resolve()
  #beatAtMs = 0

  constructor(context: Pick<Context, 'transact' | 'read' | 'clock' | 'log'>) {
    this.#context = context
  }

  /** A socket says how its person is, from sign-in on. */
  say(userId: string, session: Session, status: ConnectionStatus): void {
    const sockets = this.#sockets.get(userId) ?? new Map<Session, ConnectionStatus>()
    this.#sockets.set(userId, sockets.set(session, status))
    this.#stay(userId)
    this.#note(userId)
  }

  /** A socket is nobody’s any more; with the last one the person has gone: after a moment, or at once who signed out. */
  left(userId: string, session: Session, { signedOut = false } = {}): void {
    const sockets = this.#sockets.get(userId)
    if (sockets?.delete(session) !== true) return
    if (sockets.size > 0) {
      this.#note(userId)
      return
    }
    this.#sockets.delete(userId)
    this.#stay(userId)
    if (signedOut) {
      this.#write(userId)
      return
    }
    this.#leaving.set(userId, setTimeout(() => this.#leave(userId), GONE_AFTER_MS).unref())
  }

  /** Notes at once that those have gone who would have in a moment. */
  async settled(): Promise<void> {
    for (const userId of [...this.#leaving.keys()]) this.#leave(userId)
    await this.#work
  }

  /** Answers once everything begun is noted, what was put off too. */
  async noted(): Promise<void> {
    for (const userId of [...this.#due]) this.#write(userId)
    await this.#work
  }

  /** Says that this process is alive, and clears up behind those that are not; a timer calls it. */
  async sweep(): Promise<void> {
    const { read, transact, clock } = this.#context
    if (this.#noted.size > 0 && clock() - this.#beatAtMs >= BEAT_MS) {
      this.#beatAtMs = clock()
      if (!(await transact((tx) => beat(tx, this.#processId)))) this.#noted.clear()
    }
    for (const userId of new Set([...this.#sockets.keys(), ...this.#noted.keys()]))
      if (!this.#leaving.has(userId)) this.#note(userId)
    for (const processId of await findSilent(read, clock()))
      while ((await transact((tx) => forgetProcess(tx, processId))) > 0);
  }

  /** Notes nothing more: who does not come back is found to be gone. */
  close(): void {
    for (const timer of [...this.#leaving.values(), ...this.#resting.values()]) clearTimeout(timer)
    this.#leaving.clear()
    this.#resting.clear()
  }

  #stay(userId: string): void {
    clearTimeout(this.#leaving.get(userId))
    this.#leaving.delete(userId)
  }

  #leave(userId: string): void {
    this.#stay(userId)
    this.#note(userId)
  }

  /** Soon, where something was noted a moment ago: what is so by then is noted once. */
  #note(userId: string): void {
    if (this.#resting.has(userId)) this.#due.add(userId)
    else this.#write(userId)
  }

  #rest(userId: string): void {
    clearTimeout(this.#resting.get(userId))
    const timer = setTimeout(() => {
      this.#resting.delete(userId)
      if (this.#due.has(userId)) this.#write(userId)
    }, APART_MS)
    this.#resting.set(userId, timer.unref())
  }

  /** One after the other, and each with what is so by then: what failed is noted with the next sweep. */
  #write(userId: string): void {
    const { transact, log } = this.#context
    this.#due.delete(userId)
    this.#work = this.#work
      .then(async () => {
        const status = together(this.#sockets.get(userId))
        if (status === this.#noted.get(userId) || this.#leaving.has(userId)) return
        this.#rest(userId)
        await transact((tx) => noteConnection(tx, { processId: this.#processId, userId, status }))
        if (status === undefined) this.#noted.delete(userId)
        else this.#noted.set(userId, status)
      })
      .catch((error: unknown) => {
        log.error({ err: error }, 'It could not be noted whether somebody is there.')
      })
  }
}

function together(sockets: ReadonlyMap<Session, ConnectionStatus> | undefined): ConnectionStatus | undefined {
  if (sockets === undefined) return undefined
  return [...sockets.values()].includes('online') ? 'online' : 'away'
}
