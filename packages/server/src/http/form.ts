// Forms with a file: read part by part while they come, so that nobody's file is ever in memory.
import type { Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import type { Operation } from '@deskbell/contract/operation.ts'
import { ApiError } from '../api-error.ts'
import { watchRate } from './least-rate.ts'
import { validateFields } from './validate.ts'

/** A file whose bytes are still coming. */
export interface IncomingFile {
  /** As its sender named it, without folders. */
  name: string
  /** The media type that its sender claims. */
  type: string
  bytes: AsyncIterable<Buffer>
  /** How long its form says it is, and so at most the file; nothing where it does not say. */
  atMost: number
}

/** Where the file of a form goes. */
export interface FileSink<Stored> {
  store: (file: IncomingFile) => Promise<Stored>
  /** Called for what was stored when the rest of the form is refused. */
  discard: (stored: Stored) => Promise<void>
}

/** A form with one file, of which nothing is read until somebody asks. */
export interface IncomingForm<Fields = unknown> {
  /** A text that stands before the file; nothing of the file is read for it. */
  findBefore(name: string): Promise<string | undefined>
  /**
   * Reads the form to its end: its file into the sink, its texts into `fields`.
   * @throws `not-multipart`, `unreadable-form`, `no-file`, `invalid-field`, Malformed, and what the sink throws
   */
  receive<Stored>(sink: FileSink<Stored>): Promise<{ stored: Stored; fields: Fields }>
}

/** A form holds one file and a few short texts. One file more is let in, so that it can be refused by name. */
export const formOptions = {
  // The store counts the bytes of the file itself, to say what is wrong.
  throwFileSizeLimit: false,
  limits: {
    fileSize: Infinity,
    parts: 16,
    fields: 12,
    files: 2,
    fieldSize: 100_000,
    fieldNameSize: 100,
    headerPairs: 32,
  },
}

/** The form of a request to this operation. */
export function formOf(request: FastifyRequest, operation: Operation): IncomingForm {
  const texts = new Map<string, unknown>()
  const parts = makeParts(request, texts)
  return {
    async findBefore(name) {
      if (!request.isMultipart()) return undefined
      await parts.untilFile()
      const text = texts.get(name)
      return typeof text === 'string' ? text : undefined
    },
    async receive(sink) {
      if (!request.isMultipart()) throw new ApiError('not-multipart')
      const atMost = Number(request.headers['content-length'] ?? 0)
      const stored = await storeFile(parts, atMost, sink)
      try {
        if ((await parts.untilFile()) !== undefined) throw new ApiError('invalid-field')
        return { stored, fields: validateFields(operation, Object.fromEntries(texts)) }
      } catch (error) {
        await sink.discard(stored)
        throw error
      }
    },
  }
}

async function storeFile<Stored>(parts: Parts, atMost: number, sink: FileSink<Stored>): Promise<Stored> {
  const part = await parts.untilFile()
  if (part === undefined) throw new ApiError('no-file')
  if (part.fieldname !== 'file') throw new ApiError('invalid-field')
  parts.pass()
  // Some senders name no file; the parser then leaves the name out, whatever its types say.
  const name = (part.filename as string | undefined) ?? 'file'
  return sink.store({ name, type: part.mimetype, bytes: orUnreadable(part.file), atMost })
}

type FilePart = Extract<Multipart, { type: 'file' }>

/** The parts of a form, one after the other. */
interface Parts {
  /** Reads up to the next file and waits before it; `undefined` at the end of the form. */
  untilFile(): Promise<FilePart | undefined>
  /** Goes past the file it waits before, which somebody reads. */
  pass(): void
}

function makeParts(request: FastifyRequest, texts: Map<string, unknown>): Parts {
  const parts = orUnreadable(partsOf(request))
  let waiting: FilePart | undefined
  return {
    async untilFile() {
      while (waiting === undefined) {
        const step = await parts.next()
        if (step.done === true) return undefined
        const part = step.value
        if (part.type === 'file') waiting = part
        else if (part.valueTruncated) throw new ApiError('unreadable-form')
        else texts.set(part.fieldname, part.value)
      }
      return waiting
    },
    pass: () => void (waiting = undefined),
  }
}

/** Nothing is read before somebody asks for the first part. */
async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart, undefined> {
  const { raw } = request
  const unwatch = watchRate(raw.socket, () => raw.destroy())
  raw.once('end', unwatch).once('close', unwatch)
  yield* request.parts()
  return undefined
}

/** Whatever is wrong with a form is its sender's fault: it was cut off, or is none. */
async function* orUnreadable<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item, undefined> {
  try {
    yield* source
  } catch (error) {
    throw new ApiError('unreadable-form', { cause: error })
  }
  return undefined
}
