import type { Message } from '../answers.ts'
import { treeOf } from './documents.ts'
import type { ReceivedFile } from './operation.ts'

/** What a message shows of the file that it carries. Only those of the staff tell its size. */
export function carriedFile(
  id: string,
  { name, type, size, description }: ReceivedFile,
  sender: 'visitor' | 'staff',
): Record<string, unknown> {
  const format = name.split('.').at(-1) ?? ''
  const file = { _id: id, name, type, ...(sender === 'staff' && { size, format }) }
  const link = `/file-upload/${id}/${encodeURIComponent(name)}`
  const attachment = {
    title: name,
    type: 'file',
    ...(description !== undefined && description !== '' && { description, descriptionMd: treeOf(description) }),
    title_link: link,
    title_link_download: true,
    ...shownInline(type, size, link, format),
  }
  return { groupable: false, file, files: [file], attachments: [attachment] }
}

function shownInline(type: string, size: number, link: string, format: string): Record<string, unknown> {
  const [kind = ''] = type.split('/')
  if (!['image', 'audio', 'video'].includes(kind)) return { format, size }
  return { [`${kind}_url`]: link, [`${kind}_type`]: type, [`${kind}_size`]: size }
}

/** Where visitors read the file of a message without further credentials; nothing for a message without one. */
export function publicFile(extra: Record<string, unknown>): Pick<Message, 'fileUpload'> {
  const { file, attachments = [] } = extra as CarriedFile
  const [shown] = attachments
  if (file === undefined || shown === undefined) return {}
  const size = shown.image_size ?? shown.audio_size ?? shown.video_size ?? shown.size ?? 0
  return { fileUpload: { publicFilePath: `${shown.title_link}?public`, type: file.type, size } }
}

interface CarriedFile {
  file?: { type: string }
  attachments?: {
    title_link: string
    image_size?: number
    audio_size?: number
    video_size?: number
    size?: number
  }[]
}

/** The file of a form, with what was said about it. */
export async function readForm(form: FormData): Promise<ReceivedFile | undefined> {
  const file = form.get('file')
  if (file === null || typeof file === 'string') return undefined
  const description = form.get('description')
  return {
    name: file.name,
    type: file.type || 'application/octet-stream',
    size: (await file.arrayBuffer()).byteLength,
    description: typeof description === 'string' ? description : undefined,
  }
}
