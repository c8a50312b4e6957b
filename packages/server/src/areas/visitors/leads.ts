// E-mail addresses and phone numbers that visitors write in messages, so that agents can reach them later. Anybody may
// write anybody's: they never say who somebody is.
import type { Context } from '../../context.ts'
import { readSettings } from '../settings/settings.ts'
import { findMessage } from '../timeline/timeline.ts'
import { noteFound } from './lead-store.ts'
import { findVisitorById, type Visitor } from './store.ts'

const MAX_LENGTH = 256

/** Whether a text is worth a closer look: cheap, since it is asked of every message. */
export function mayTellContact(visitor: Visitor, text: string): boolean {
  return (lacks(visitor, 'email') && text.includes('@')) || (lacks(visitor, 'phone') && hasDigits(text))
}

/**
 * Notes the first address and the first number in a message of a visitor of whom none is known. The patterns are the
 * administrator's, so this is a job and looks before the transaction.
 * @throws `PatternsBusy`
 */
export async function captureContact(
  { read, transact, patterns }: Pick<Context, 'read' | 'transact' | 'patterns'>,
  { visitorId, messageId }: { visitorId: string; messageId: string },
): Promise<void> {
  const message = await findMessage(read, messageId)
  const visitor = await findVisitorById(read, visitorId)
  if (visitor === undefined || message === undefined || message.deletedAt !== undefined) return
  const { Livechat_lead_email_regex: ofEmail, Livechat_lead_phone_regex: ofPhone } = await readSettings(read)

  const first = async (kind: 'email' | 'phone', pattern: string) => {
    if (pattern === '' || !lacks(visitor, kind)) return undefined
    const matches = await patterns.findAll(pattern, message.text)
    return matches.map((match) => match.trim()).find((match) => match !== '' && match.length <= MAX_LENGTH)
  }
  const email = (await first('email', ofEmail))?.toLowerCase()
  const phone = await first('phone', ofPhone)
  if (email === undefined && phone === undefined) return
  await transact(async (tx) => {
    const isNoted = [
      email !== undefined && (await noteFound(tx, visitorId, 'email', email)),
      phone !== undefined && (await noteFound(tx, visitorId, 'phone', phone)),
    ]
    if (isNoted.includes(true)) tx.emit('visitor.changed', { visitorId })
  })
}

function lacks(visitor: Visitor, kind: 'email' | 'phone'): boolean {
  return visitor[kind] === undefined && visitor.found?.[kind] === undefined
}

/** The shortest phone numbers that anybody writes have six digits. */
function hasDigits(text: string): boolean {
  return /(?:\d\D*){6}/.test(text)
}
