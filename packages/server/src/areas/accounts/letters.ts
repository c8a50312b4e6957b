import { headerText } from '../../mail/address.ts'
import type { Letter } from '../../mail/outbox.ts'
import { html, letterPage, type Markup } from '../../mail/template.ts'

/** To whom a letter goes, and where it leads. */
export interface LetterTo {
  recipient: string
  username: string
  url: string
}

/** Says it in the server's language; there is one so far. Somebody gets an account, and chooses its password. */
export function invitationLetter(to: LetterTo, inviter: string): Letter {
  return compose('invitation', 'Your account at the desk', to, {
    before: [['', inviter, ' created an account for you.'], signsInAs(to), ['Choose your password within seven days:']],
    after: [['The link works once. If you do not know what this is about, do nothing.']],
  })
}

/** Somebody asked for a new password, who may not be the owner. */
export function resetLetter(to: LetterTo): Letter {
  return compose('password-reset', 'A new password', to, {
    before: [['Somebody asked for a new password for the account ', to.username, '.'], ['Choose it within an hour:']],
    after: [['The link works once. If it was not you, do nothing: your password stays as it is.']],
  })
}

/** Somebody got an account with a password from its creator, who tells it: a letter is no place for one. */
export function welcomeLetter(to: LetterTo, inviter: string): Letter {
  return compose('welcome', 'Your account at the desk', to, {
    before: [['', inviter, ' created an account for you and will tell you its password.'], signsInAs(to)],
    after: [],
  })
}

function signsInAs({ username }: LetterTo): Paragraph {
  return ['You sign in as ', username, '.']
}

/** Words, and in their middle perhaps a name that somebody chose. */
type Paragraph = readonly [words: string] | readonly [words: string, name: string, words: string]

/** The same as text and as HTML. */
function compose(
  purpose: string,
  subject: string,
  { recipient, url }: LetterTo,
  { before, after }: Record<'before' | 'after', readonly Paragraph[]>,
): Letter {
  return {
    recipient,
    subject,
    purpose,
    text: [...before.map(asText), url, ...after.map(asText)].join('\n\n') + '\n',
    html: letterPage(
      html`${before.map(asMarkup)}
        <p><a href="${url}">${url}</a></p>
        ${after.map(asMarkup)}`,
    ),
  }
}

const LONGEST_NAME = 100

function asText([words, name = '', rest = '']: Paragraph): string {
  return `${words}${headerText(name, LONGEST_NAME)}${rest}`
}

/** A name that is written from right to left must not turn the words around it (promises A38). */
function asMarkup([words, name, rest = '']: Paragraph): Markup {
  if (name === undefined) return html`<p>${words}</p>`
  return html`<p>${words}<bdi>${headerText(name, LONGEST_NAME)}</bdi>${rest}</p>`
}
