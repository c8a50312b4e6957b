import { bodyText, headerText } from '../../mail/address.ts'
import { html, letterPage, withLineBreaks } from '../../mail/template.ts'

/** What somebody left. */
export interface OfflineMessage {
  name: string
  /** Parsed. */
  email: string
  message: string
  /** The page it was left on, as the page says. */
  host?: string | undefined
}

// Promises A18: a subject is no place for a stranger's sentence.
const MAX_NAME_IN_SUBJECT = 64

/** Says it in the server's language; there is one so far. What strangers typed is shown as text, never as a link. */
export function offlineLetter(left: OfflineMessage): { subject: string; text: string; html: string } {
  const name = headerText(left.name, 256)
  const host = headerText(left.host ?? '', 2_000)
  const message = bodyText(left.message)
  const facts: [label: string, value: string][] = [
    ['Name', name],
    ['E-mail', left.email],
    ...(host === '' ? [] : ([['Sent from', host]] satisfies [string, string][])),
  ]
  const nameInSubject = headerText(left.name, MAX_NAME_IN_SUBJECT)
  return {
    subject: `Livechat offline message${nameInSubject === '' ? '' : ` from ${nameInSubject}`}`,
    text: [...facts.map(([label, value]) => `${label}: ${value}`), '', message, ''].join('\n'),
    html: letterPage(html`
      ${facts.map(([label, value]) => html`<div><strong>${label}:</strong> <bdi>${value}</bdi></div>`)}
      <div><br /></div>
      <div dir="auto">${withLineBreaks(message)}</div>
    `),
  }
}
