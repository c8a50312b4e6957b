import { Type as t } from 'typebox'
import { Person, Time } from './basics.ts'

/** The file of a message; only those of the staff tell size and format. */
const MessageFile = t.Object({
  _id: t.String(),
  name: t.String(),
  type: t.String(),
  size: t.Optional(t.Integer()),
  format: t.Optional(t.String()),
})

// Clients put these into pages as they are: no address may run anything there, or lead elsewhere than it looks.
const Link = t.String({ maxLength: 2_000, pattern: '^(?:[hH][tT][tT][pP][sS]?://|/(?![/\\\\]))' })
const Words = t.String({ maxLength: 5_000 })
const Name = t.String({ maxLength: 256 })

/** What members of the staff and their programs show beside a text (contract §E.4): a card, a picture, some facts. */
export const GivenAttachment = t.Object({
  title: t.Optional(Name),
  title_link: t.Optional(Link),
  title_link_download: t.Optional(t.Boolean()),
  text: t.Optional(Words),
  description: t.Optional(Words),
  color: t.Optional(t.String({ maxLength: 64 })),
  author_name: t.Optional(Name),
  author_link: t.Optional(Link),
  author_icon: t.Optional(Link),
  thumb_url: t.Optional(Link),
  image_url: t.Optional(Link),
  audio_url: t.Optional(Link),
  video_url: t.Optional(Link),
  collapsed: t.Optional(t.Boolean()),
  ts: t.Optional(t.String({ maxLength: 64 })),
  fields: t.Optional(
    t.Array(t.Object({ title: Name, value: Words, short: t.Optional(t.Boolean()) }), { maxItems: 20 }),
  ),
})

/** A message, the same object for visitors, agents and on the socket (contract §B.4). */
export const Message = t.Object({
  _id: t.String(),
  rid: t.String(),
  msg: t.String(),
  ts: Time,
  _updatedAt: Time,
  u: Person,
  t: t.Optional(t.String({ description: 'The type of a system message' })),
  token: t.Optional(t.String({ description: 'Only in answers to the visitor who wrote it' })),
  alias: t.Optional(t.String()),
  groupable: t.Optional(t.Boolean()),
  md: t.Optional(t.Array(t.Unknown())),
  urls: t.Optional(t.Array(t.Unknown())),
  mentions: t.Optional(t.Array(t.Unknown())),
  channels: t.Optional(t.Array(t.Unknown())),
  attachments: t.Optional(t.Array(t.Unknown())),
  file: t.Optional(MessageFile),
  files: t.Optional(t.Array(MessageFile)),
  fileUpload: t.Optional(
    t.Object({
      publicFilePath: t.String({ description: 'Where the file is read without further credentials, for an hour' }),
      type: t.String(),
      size: t.Integer(),
    }),
  ),
  reactions: t.Optional(
    t.Record(t.String(), t.Object({ usernames: t.Array(t.String()) }), {
      description: 'By the name of an emoji, `:thumbsup:`, the members of the staff who chose it',
    }),
  ),
  editedAt: t.Optional(Time),
  editedBy: t.Optional(t.Object({ _id: t.String(), username: t.String() })),
  transcriptRequested: t.Optional(t.Boolean()),
  requestData: t.Optional(
    t.Object({
      type: t.Union([t.Literal('visitor'), t.Literal('user')]),
      visitor: Person,
      user: Person,
    }),
  ),
  transferData: t.Optional(t.Unknown()),
  navigation: t.Optional(t.Unknown()),
  comment: t.Optional(t.String()),
  seq: t.Optional(t.Integer({ description: 'The number of the latest change of this message in its room' })),
})
