// Files as messages carry them (contract A.17, B.15).
import type { Composed } from '../messages/messages.ts'
import { isInert } from './media-type.ts'
import { plainTree } from '../timeline/wire.ts'
import type { FoundFile } from './files.ts'

/** What its sender wrote beside a file, with what the parser made of it. */
export type Description = Pick<Composed, 'text' | 'tree'>

/** Where a file is read. The name is only for people. */
export function pathOf({ id, name }: { id: string; name: string }): string {
  return `/file-upload/${id}/${encodeURIComponent(name)}`
}

/** What a visitor's message shows of its file: exactly these keys, old clients compare. */
export function visitorFileToWire(file: FoundFile, description: Description | undefined): Record<string, unknown> {
  const { id: _id, name, type } = file
  return carried({ _id, name, type }, file, description)
}

/** What a message of the staff shows of its file. */
export function staffFileToWire(file: FoundFile, description: Description | undefined): Record<string, unknown> {
  const { id: _id, name, type, size, extension: format } = file
  return carried({ _id, name, type, size, format }, file, description)
}

function carried(file: object, found: FoundFile, description: Description | undefined): Record<string, unknown> {
  return { groupable: false, file, files: [file], attachments: [attachmentToWire(found, description)] }
}

function attachmentToWire(file: FoundFile, description: Description | undefined): Record<string, unknown> {
  const link = pathOf(file)
  return {
    title: file.name,
    type: 'file',
    ...(description !== undefined && descriptionToWire(description)),
    title_link: link,
    title_link_download: true,
    ...shownInline(file, link),
  }
}

/** Newer clients draw the tree, older ones the text. */
function descriptionToWire({ text, tree }: Description) {
  return text === '' ? {} : { description: text, descriptionMd: tree ?? plainTree(text) }
}

function shownInline({ type, size, extension, width, height }: FoundFile, link: string): Record<string, unknown> {
  const kind = isInert(type) ? type.slice(0, type.indexOf('/')) : ''
  const dimensions = width !== undefined && height !== undefined && { image_dimensions: { width, height } }
  switch (kind) {
    case 'image':
      return { image_url: link, image_type: type, image_size: size, ...dimensions }
    case 'audio':
      return { audio_url: link, audio_type: type, audio_size: size }
    case 'video':
      return { video_url: link, video_type: type, video_size: size }
    default:
      return { format: extension, size }
  }
}
