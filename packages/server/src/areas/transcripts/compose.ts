import type { Reader } from '../../database/transaction.ts'
import type { Picture } from '../../mail/outbox.ts'
import type { Settings } from '../settings/catalogue.ts'
import type { Room } from '../timeline/timeline.ts'
import { transcriptLetter, type Entry } from './letter.ts'
import { filesOf, picturesAmong } from './sent-files.ts'
import { findLatestOf, listSaidBetween, type Said } from './store.ts'

const PAGE = 200

// Mail servers take letters of a few megabytes; these hold for any text, escaped and encoded.
const MAX_ENTRIES = 2_000
const MAX_CHARACTERS = 300_000

const END_OF_TIME = '9999-12-31T23:59:59.999Z'

/** The letter of what was said in a room up to its end, as its visitor may see it (contract A.24). */
export async function composeTranscript(
  reader: Reader,
  room: Room,
  settings: Settings,
): Promise<{ text: string; html: string; pictures: Picture[] }> {
  const { said, isCut } = await readSaid(reader, room, settings.Livechat_transcript_show_system_messages)
  const pictures = picturesAmong(said.flatMap(({ extra }) => filesOf(extra)))
  const pictured = new Set(pictures.map(({ fileId }) => fileId))
  const entries = said.map((one) => entryOf(one, { showsAgents: settings.Livechat_show_agent_info, pictured }))
  return { ...transcriptLetter({ entries, isCut, timeZone: timeZoneOf(settings) }), pictures }
}

/** Page by page, up to as much as a letter holds. */
async function readSaid(reader: Reader, room: Room, withLines: boolean): Promise<{ said: Said[]; isCut: boolean }> {
  const until = (await findLatestOf(reader, room.id, 'livechat-close')) ?? END_OF_TIME
  const said: Said[] = []
  let characters = 0
  for (;;) {
    const after = said.at(-1)?.sentAt ?? ''
    const page = await listSaidBetween(reader, { roomId: room.id, after, until, withLines, limit: PAGE })
    for (const one of page) {
      characters += one.text.length
      if (said.length === MAX_ENTRIES || characters > MAX_CHARACTERS) return { said, isCut: true }
      said.push(one)
    }
    if (page.length < PAGE) return { said, isCut: false }
  }
}

/** What a line of the system says of the one who caused it. */
const deeds: Readonly<Record<string, string>> = {
  uj: 'joined the conversation',
  ul: 'left the conversation',
  livechat_transfer_history: 'passed the conversation on',
  livechat_transfer_history_fallback: 'passed the conversation on',
  omnichannel_placed_chat_on_hold: 'put the conversation on hold',
  omnichannel_on_hold_chat_resumed: 'resumed the conversation',
  rm: 'removed a message',
}

function entryOf(
  { type, author, text, sentAt, extra }: Said,
  { showsAgents, pictured }: { showsAgents: boolean; pictured: ReadonlySet<string> },
): Entry {
  const name = author.kind === 'visitor' ? 'You' : author.kind === 'user' && !showsAgents ? 'Agent' : author.name
  const deed = type === undefined ? undefined : deeds[type]
  if (deed !== undefined) return { label: `${name} ${deed}`, sentAt, text: '', files: [] }
  const files = filesOf(extra).map((file) => ({ ...file, isPictured: pictured.has(file.fileId) }))
  return { label: name, sentAt, text: text === '' ? descriptionOf(extra) : text, files }
}

/** What somebody wrote beside a file, or on a card. */
function descriptionOf({ attachments }: Said['extra']): string {
  const listed: unknown[] = Array.isArray(attachments) ? attachments : []
  const { description, text } = (listed[0] ?? {}) as { description?: unknown; text?: unknown }
  return [description, text].find((words) => typeof words === 'string') ?? ''
}

/** The zone that an administrator chose; `undefined` for the server's, and for one that nobody knows. */
function timeZoneOf({ Default_Timezone_For_Reporting: choice, Default_Custom_Timezone: zone }: Settings) {
  if (choice !== 'custom' || zone === '') return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
