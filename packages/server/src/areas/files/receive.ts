// The way of a file from the wire to its place: its first bytes are judged before the rest is written.
import { extname } from 'node:path'
import { ApiError } from '../../api-error.ts'
import { CommitFailed } from '../../database/transaction.ts'
import { FileTooLarge, type FileStore, type ReceivedFile } from '../../files/files.ts'
import type { FileSink } from '../../http/form.ts'
import type { CountBytes } from '../../http/upload-guard.ts'
import { imageSizeOf } from './image-size.ts'
import { LOOKED_AT, isTypeAllowed, mediaTypeOf } from './media-type.ts'
import type { Allowance, FoundFile } from './files.ts'

/** A file on disk that has no place yet. */
export interface Received {
  file: FoundFile
  stored: ReceivedFile
}

/** The header of a picture stands within so many bytes; before it may be what a camera notes, and a small picture. */
const HEADER_BYTES = 262_144

/** As long as file systems take, in bytes. */
const LONGEST_NAME = 255

/**
 * Takes the file of a form that the allowance allows; `count` is told of bytes as they come.
 * @throws `no-file` where it is empty, `error-type-not-allowed`, what the allowance says of one that is too large, what
 * the counting throws, DiskNearlyFull
 */
export function takeFile(
  files: FileStore,
  { maxBytes, tooLarge, settings }: Allowance,
  count: CountBytes = () => undefined,
): FileSink<Received> {
  return {
    async store({ name, type: declared, bytes, atMost }) {
      await files.requireRoomFor(Math.min(atMost, maxBytes))
      const { start, all } = await peek(counted(bytes, count))
      if (start.length === 0) throw new ApiError('no-file')
      const type = await mediaTypeOf(start, declared)
      const lists = {
        whiteList: settings.FileUpload_MediaTypeWhiteList,
        blackList: settings.FileUpload_MediaTypeBlackList,
      }
      if (!isTypeAllowed(type, declared, lists)) throw new ApiError('error-type-not-allowed')
      const stored = await files.receive(all, maxBytes).catch((error: unknown) => {
        throw error instanceof FileTooLarge ? tooLarge() : error
      })
      const { id, size, hash: etag } = stored
      const named = { name: cleanName(name), extension: extensionOf(name) }
      const dimensions = type.startsWith('image/') ? imageSizeOf(type, await stored.start(HEADER_BYTES)) : undefined
      return { stored, file: { id, ...named, type, etag, size, ...dimensions } }
    },
    discard: ({ stored }) => stored.discard(),
  }
}

/** Gives a file its place and does what makes it known; where that fails, the file goes. */
export async function keepFor<Result>({ stored }: Received, work: () => Promise<Result>): Promise<Result> {
  try {
    await stored.keep()
    return await work()
  } catch (error) {
    // Nobody knows whether a commit that failed was one: the sweep looks later.
    if (!(error instanceof CommitFailed)) await stored.discard()
    throw error
  }
}

async function* counted(bytes: AsyncIterable<Buffer>, count: CountBytes): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    count(chunk.length)
    yield chunk
  }
}

/** The first bytes of a file, and all of them from the start. */
async function peek(bytes: AsyncIterable<Buffer>): Promise<{ start: Buffer; all: AsyncIterable<Buffer> }> {
  const rest = bytes[Symbol.asyncIterator]()
  const chunks: Buffer[] = []
  let length = 0
  while (length < LOOKED_AT) {
    const step = await rest.next()
    if (step.done === true) break
    chunks.push(step.value)
    length += step.value.length
  }
  const [first = Buffer.alloc(0), ...more] = chunks
  const start = more.length === 0 ? first : Buffer.concat(chunks)
  return { start, all: joined(start, rest) }
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield start
    for (let step = await rest.next(); step.done !== true; step = await rest.next()) yield step.value
  } finally {
    await rest.return?.()
  }
}

/** A name as people can read it: without control characters, and not endless. Its end stays, the extension is there. */
function cleanName(name: string): string {
  const plain = name
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  if (plain === '') return 'file'
  if (Buffer.byteLength(plain) <= LONGEST_NAME) return plain
  const signs = Array.from(plain)
  const end = signs.slice(-20).join('')
  const start = signs.slice(0, LONGEST_NAME)
  while (Buffer.byteLength(`${start.join('')}…${end}`) > LONGEST_NAME) start.pop()
  return `${start.join('')}…${end}`
}

function extensionOf(name: string): string {
  const [, extension = ''] = /^\.([a-z0-9]{1,16})$/.exec(extname(name).toLowerCase()) ?? []
  return extension
}
