import type { AgentSessionEvent, QueueEntry } from './agent.ts'
import type { QueueAnswer } from './answers.ts'

/** A chat in the queue, as the server tells it. */
export type Inquiry = QueueAnswer['inquiries'][number]

export interface AgentQueueOptions {
  emit: (event: AgentSessionEvent) => void
  /** The list is another. */
  onQueue: (queue: readonly QueueEntry[]) => void
  /** There may be more than is known here. */
  onUnknown: () => void
}

/** The chats that wait, as far as the agent may take them. */
export class AgentQueue {
  readonly #options: AgentQueueOptions
  #entries: readonly QueueEntry[] = []

  constructor(options: AgentQueueOptions) {
    this.#options = options
  }

  find(inquiryId: string): QueueEntry | undefined {
    return this.#entries.find((entry) => entry.inquiryId === inquiryId)
  }

  /** Just these wait now. */
  takeAll(inquiries: readonly Inquiry[], { isEarlier }: { isEarlier: boolean }): void {
    const before = new Map(this.#entries.map((entry) => [entry.inquiryId, entry]))
    const next = inquiries.map((inquiry) => keptOr(before.get(inquiry._id), entryOf(inquiry)))
    const gone = this.#entries.filter(({ inquiryId }) => !next.some((entry) => entry.inquiryId === inquiryId))
    this.#put(next)
    for (const entry of gone) this.#tell('removed', entry)
    for (const entry of next) {
      const known = before.get(entry.inquiryId)
      if (known === undefined) this.#tell('added', entry, isEarlier)
      else if (known !== entry) this.#tell('changed', entry)
    }
  }

  /** A chat is so now, or is gone. Whether one that is not known is the agent's to take, the server knows. */
  hear(told: Partial<Inquiry> & { _id: string; type?: string }): void {
    const known = this.find(told._id)
    const isWaiting = told.type !== 'removed' && told.status === 'queued'
    if (known === undefined) {
      if (isWaiting) this.#options.onUnknown()
      return
    }
    if (!isWaiting) this.drop(told._id)
    else if (told.department !== known.departmentId) this.#options.onUnknown()
    else this.#replace(known, keptOr(known, entryOf(told as Inquiry)))
  }

  /** A chat waits no more. */
  drop(inquiryId: string): void {
    const entry = this.find(inquiryId)
    if (entry === undefined) return
    this.#put(this.#entries.filter((each) => each !== entry))
    this.#tell('removed', entry)
  }

  #replace(known: QueueEntry, entry: QueueEntry): void {
    if (known === entry) return
    this.#put(this.#entries.map((each) => (each === known ? entry : each)))
    this.#tell('changed', entry)
  }

  #put(entries: readonly QueueEntry[]): void {
    const isSame = entries.length === this.#entries.length && entries.every((entry, i) => entry === this.#entries[i])
    if (isSame) return
    this.#entries = entries
    this.#options.onQueue(entries)
  }

  #tell(change: 'added' | 'changed' | 'removed', entry: QueueEntry, isEarlier = false): void {
    this.#options.emit({ type: 'queue', change, entry, isEarlier })
  }
}

function entryOf({ _id, rid, name, department, ts, lastMessage }: Inquiry): QueueEntry {
  return { inquiryId: _id, rid, name, departmentId: department, waitingSince: ts, lastMessage }
}

function keptOr(known: QueueEntry | undefined, entry: QueueEntry): QueueEntry {
  return known !== undefined && JSON.stringify(known) === JSON.stringify(entry) ? known : Object.freeze(entry)
}
