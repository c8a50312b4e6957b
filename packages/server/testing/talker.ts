// Somebody in a conversation, whatever client they use, and what may be wrong with what they were told.

export interface Talker {
  /** Says it until the server has taken it; answers the id of the message. */
  say(text: string): Promise<string>
  /** The ids of the messages on the screen, the oldest first; a system message may be among them. */
  shown(): readonly string[]
  /** The same as they were told, one by one. */
  readonly told: readonly string[]
  /** Calls back whenever either may have changed; the answer ends that. */
  watch(listener: () => void): () => void
  /** Whether a socket stands and listens to the room. */
  isOnline(): boolean
  end(): void
}

/** A visitor and an agent who talk, each through a client of their own. */
export interface Conversation {
  rid: string
  /** The visitor's. */
  token: string
  visitor: Talker
  agent: Talker
  /** What the server has acknowledged, with the text; the order is that of the acknowledgements. */
  accepted: Map<string, string>
}

/** One side says so many things, each after the one before was acknowledged. */
export async function talk(conversation: Conversation, side: 'visitor' | 'agent', texts: readonly string[]) {
  for (const text of texts) conversation.accepted.set(await conversation[side].say(text), text)
}

/** Answers once something holds that a talker's screen decides. */
export function untilShown(talker: Talker, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return
      stop()
      resolve()
    }
    const stop = talker.watch(look)
    look()
  })
}

/** Answers once both sides show everything that was acknowledged. */
export async function untilCaughtUp({ visitor, agent, accepted }: Conversation): Promise<void> {
  for (const talker of [visitor, agent])
    await untilShown(talker, () => {
      const shown = new Set(talker.shown())
      return [...accepted.keys()].every((id) => shown.has(id))
    })
}

/** How often each promise was broken. */
export interface Verdict {
  /** Acknowledged, and not stored, or stored twice. */
  lost: number
  /** Stored, and not on a screen. */
  missed: number
  /** Twice in the room, on a screen, or told as news. */
  doubled: number
  /** On a screen, told, or stored in another order than said. */
  disordered: number
}

export interface StoredMessage {
  _id: string
  msg: string
  /** ISO time; no two of a room are the same. */
  ts: string
  t?: string | undefined
}

/** Everything in a room, in its order, from a server that is asked over a good connection. */
export async function readStored(url: string, { rid, token }: Conversation): Promise<StoredMessage[]> {
  const stored: StoredMessage[] = []
  for (let after = 0, hasMore = true; hasMore;) {
    const answer = await fetch(`${url}/api/v1/livechat/messages.sync/${rid}?token=${token}&after=${String(after)}`)
    if (!answer.ok) throw new Error(`The room cannot be read: ${await answer.text()}`)
    const page = (await answer.json()) as { changes: { message?: StoredMessage }[]; next: number; more: boolean }
    stored.push(...page.changes.flatMap(({ message }) => (message === undefined ? [] : [message])))
    after = page.next
    hasMore = page.more
  }
  return stored.sort((one, other) => (one.ts < other.ts ? -1 : 1))
}

/** Holds both screens against what is stored, which is given in the order of the room. */
export function judge({ accepted, visitor, agent }: Conversation, stored: readonly StoredMessage[]): Verdict {
  const said = stored.filter(({ t }) => t === undefined)
  const order = said.map(({ _id }) => _id)
  const texts = said.map(({ msg }) => msg)
  const verdict = {
    lost: [...accepted].filter(([id, text]) => !said.some(({ _id, msg }) => _id === id && msg === text)).length,
    missed: 0,
    doubled: texts.length - new Set(texts).size,
    disordered: countDisordered(texts),
  }
  for (const { told, shown } of [visitor, agent].map((talker) => ({ told: talker.told, shown: talker.shown() }))) {
    verdict.missed += order.filter((id) => !shown.includes(id)).length
    for (const ids of [told, shown]) {
      const meant = ids.filter((id) => order.includes(id))
      verdict.doubled += meant.length - new Set(meant).size
      verdict.disordered += meant.filter((id, at) => at > 0 && order.indexOf(id) < order.indexOf(meant[at - 1]!)).length
    }
  }
  return verdict
}

/** Texts are `<who> <number>`, and each of them counts. */
function countDisordered(texts: readonly string[]): number {
  let disordered = 0
  const last = new Map<string, number>()
  for (const text of texts) {
    const [who = '', number = ''] = text.split(' ')
    if (Number(number) <= (last.get(who) ?? -1)) disordered += 1
    last.set(who, Number(number))
  }
  return disordered
}

/** What all verdicts found together. */
export function sumOf(verdicts: readonly Verdict[]): Verdict {
  const sum: Verdict = { lost: 0, missed: 0, doubled: 0, disordered: 0 }
  for (const verdict of verdicts) for (const name of Object.keys(sum) as (keyof Verdict)[]) sum[name] += verdict[name]
  return sum
}
