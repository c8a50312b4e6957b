import type { Picture } from '../../mail/outbox.ts'
import type { Said } from './store.ts'

/** A file that came with a message. */
export interface CarriedFile {
  fileId: string
  name: string
  type: string
  /** Bytes; absent where the message does not say. */
  size?: number
}

/** The files that came with a message, as it carries them (contract A.17). */
export function filesOf({ files, file, attachments }: Said['extra']): CarriedFile[] {
  const shown = listOf<Attachment>(attachments)
  const carried = Array.isArray(files) ? listOf<File>(files) : listOf<File>([file])
  return carried.flatMap(({ _id: fileId, name, type }) => {
    if (typeof name !== 'string' || typeof fileId !== 'string') return []
    const size = sizeOf(
      shown.find(({ title_link: link }) => typeof link === 'string' && link.split('/').includes(fileId)),
    )
    return { fileId, name, type: typeof type === 'string' ? type : '', ...(size !== undefined && { size }) }
  })
}

function sizeOf(shown: Attachment | undefined): number | undefined {
  const size = shown?.image_size ?? shown?.audio_size ?? shown?.video_size ?? shown?.size
  return typeof size === 'number' ? size : undefined
}

type File = Partial<Record<'_id' | 'name' | 'type', unknown>>
type Attachment = Partial<Record<'title_link' | 'image_size' | 'audio_size' | 'video_size' | 'size', unknown>>

function listOf<Item extends object>(value: unknown): Item[] {
  return Array.isArray(value) ? value.filter((item): item is Item => typeof item === 'object' && item !== null) : []
}

/** Together; letters carry a third more, and most mail servers take ten megabytes. */
const MAX_PICTURE_BYTES = 5_000_000

/** What a letter shows by itself: photographs and drawings (contract A.24), each that still has room, the first ones first. */
export function picturesAmong(files: readonly CarriedFile[]): Picture[] {
  let left = MAX_PICTURE_BYTES
  return files.flatMap(({ fileId, name, type, size }) => {
    if ((type !== 'image/jpeg' && type !== 'image/png') || size === undefined || size > left) return []
    left -= size
    return { fileId, name, type }
  })
}
