import { bodyText, headerText } from '../../mail/address.ts'
import { html, letterPage, withLineBreaks } from '../../mail/template.ts'

/** One thing said, as its reader sees it. */
export interface Entry {
  /** Who said it; for a line of the system, the whole sentence. */
  label: string
  sentAt: string
  text: string
  /** Names of the files that were sent with it. */
  files: readonly string[]
}

export interface Transcript {
  entries: readonly Entry[]
  /** The conversation goes on where the letter ends. */
  isCut: boolean
  /** IANA zone of the times; absent: that of the server. */
  timeZone: string | undefined
}

const CUT = 'The conversation was longer than one letter may be: its end is missing here.'
const NOTHING = 'Nothing was said.'

/** Says it in the server's language; there is one so far. */
export function transcriptLetter({ entries, isCut, timeZone }: Transcript): { text: string; html: string } {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone })
  const shown = entries.map(({ label, sentAt, text, files }) => ({
    label: headerText(label, 256),
    time: format.format(new Date(sentAt)),
    text: bodyText(text),
    files: files.map((name) => headerText(name, 256)),
  }))
  const endings = [
    ...(shown.length === 0 ? [NOTHING] : []),
    ...(isCut ? [CUT] : []),
    `Times are those of ${format.resolvedOptions().timeZone}.`,
  ]
  return {
    text: [...shown.map(asText), ...endings.map((ending) => `${ending}\n`)].join('\n'),
    html: letterPage(html`${shown.map(asHtml)}${endings.map((ending) => html`<p><small>${ending}</small></p>`)}`),
  }
}

interface Shown {
  label: string
  time: string
  text: string
  files: readonly string[]
}

function asText({ label, time, text, files }: Shown): string {
  const lines = [...(text === '' ? [] : [text]), ...files.map(fileLine)]
  return [`${label} (${time})`, ...lines, ''].join('\n')
}

/** Each text in an element of its own direction, so that none turns what stands around it (promises A38). */
function asHtml({ label, time, text, files }: Shown) {
  return html`<p>
      <strong><bdi>${label}</bdi></strong> <small>${time}</small>
    </p>
    ${text === '' ? '' : html`<div dir="auto">${withLineBreaks(text)}</div>`}
    ${files.map((name) => html`<p>${FILE} <bdi>${name}</bdi></p>`)}`
}

const FILE = 'A file, which is not part of this letter:'

function fileLine(name: string): string {
  return `${FILE} ${name}`
}
