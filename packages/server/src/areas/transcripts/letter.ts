import { bodyText, headerText } from '../../mail/address.ts'
import { contentIdOf } from '../../mail/outbox.ts'
import { html, letterPage, withLineBreaks } from '../../mail/template.ts'

/** One thing said, as its reader sees it. */
export interface Entry {
  /** Who said it; for a line of the system, the whole sentence. */
  label: string
  sentAt: string
  text: string
  /** What was sent with it. */
  files: readonly SentFile[]
}

/** A file that was sent. */
export interface SentFile {
  fileId: string
  name: string
  /** Bytes, where they are known. */
  size?: number
  /** It goes with the letter, whose HTML shows it. */
  isPictured: boolean
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
    files: files.map((file) => ({ ...file, name: headerText(file.name, 256) })),
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
  files: readonly SentFile[]
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
    ${text === '' ? '' : html`<div dir="auto">${withLineBreaks(text)}</div>`} ${files.map(fileAsHtml)}`
}

function fileAsHtml(file: SentFile) {
  const named = html`<p>${introOf(file)} <bdi>${file.name}</bdi>${sizeOf(file)}</p>`
  return file.isPictured
    ? html`${named}
        <p><img src="cid:${contentIdOf(file)}" alt="${file.name}" style="max-width: 100%" /></p>`
    : named
}

function fileLine(file: SentFile): string {
  return `${introOf(file)} ${file.name}${sizeOf(file)}`
}

function introOf({ isPictured }: SentFile): string {
  return isPictured ? 'A picture:' : 'A file, which is not part of this letter:'
}

function sizeOf({ size }: SentFile): string {
  return size === undefined ? '' : ` (${formatSize(size)})`
}

/** As people say it, in steps of a thousand. */
function formatSize(bytes: number): string {
  if (bytes < 1_000) return `${String(bytes)} bytes`
  if (bytes < 999_500) return `${String(Math.round(bytes / 1_000))} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
