import type { CallOptions, Outgoing } from './call.ts'
import { refusedArgument } from './failure.ts'

/** A file from an input field or a disk, or bytes that are still being made (a Node `Readable` is an async iterable). */
export type UploadSource = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>

/** `timeoutMs` bounds an upload only when given here: a large file takes what it takes. */
export interface UploadOptions extends CallOptions {
  /** For sources that have no name of their own. */
  fileName?: string | undefined
  /** The media type, for sources that have none of their own. */
  fileType?: string | undefined
}

/** How far an upload has come. */
export interface UploadProgress {
  readonly sentBytes: number
  /** Unknown for streams. */
  readonly totalBytes: number | undefined
}

/** What is sent for a file. */
export interface Upload {
  form: NonNullable<Outgoing['form']>
  /** Closes a source that was not read to its end, as after a refusal; absent where there is nothing to close. */
  release?: () => void
}

interface Description {
  text: string | undefined
  fileName: string
  fileType: string
}

/** The form of an upload (contract §A.17): a visitor's token in the header, the part `file`, perhaps a description. */
export async function uploadForm(
  source: UploadSource,
  token: string | undefined,
  description: string | undefined,
  options: UploadOptions,
): Promise<Upload> {
  if (Object(source) !== source) throw refusedArgument('File is required.')
  const headers: Record<string, string> = token === undefined ? {} : { 'x-visitor-token': headerValue(token) }
  const own = source as Partial<File>
  const fileName = options.fileName ?? own.name ?? 'file'
  const fileType = options.fileType ?? (own.type || 'application/octet-stream')
  const described = { text: description, fileName, fileType }

  const form = (file: Blob) => ({ form: { body: formOf(file, described), headers } })

  if (source instanceof Blob) return form(source)
  const bytes = bytesOf(source)
  if (isBrowser()) return form(await new Response(streamOf(bytes)).blob())
  return streamedForm(bytes, described, headers)
}

function headerValue(token: string): string {
  try {
    new Headers({ 'x-visitor-token': token })
    return token
  } catch (cause) {
    throw refusedArgument(
      'Uploads carry the visitor token in a header, which cannot hold all of its characters.',
      cause,
    )
  }
}

/** Browsers send streams over HTTP/2 only or not at all, so there the stream is read to its end first. */
export function isBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}

function formOf(file: Blob, { text, fileName, fileType }: Description): FormData {
  const form = new FormData()
  if (text !== undefined) form.append('description', text)
  form.append('file', file.type === fileType ? file : new Blob([file], { type: fileType }), fileName)
  return form
}

function streamedForm(
  file: AsyncGenerator<Uint8Array>,
  described: Description,
  headers: Record<string, string>,
): Upload {
  const { text, fileName, fileType } = described
  // Drawn by chance, so that nobody can make a file that contains it.
  const boundary = Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('')
  const encoder = new TextEncoder()

  async function* parts(): AsyncGenerator<Uint8Array> {
    const field = `--${boundary}\r\nContent-Disposition: form-data; name=`
    if (text !== undefined) yield encoder.encode(`${field}"description"\r\n\r\n${text}\r\n`)
    const head = `${field}"file"; filename="${quoted(fileName)}"\r\nContent-Type: ${fileType.replaceAll(/[\r\n]+/g, ' ')}\r\n\r\n`
    yield encoder.encode(head)
    yield* file
    yield encoder.encode(`\r\n--${boundary}--\r\n`)
  }

  const body = parts()
  const type = `multipart/form-data; boundary=${boundary}`
  return {
    form: { body: streamOf(body), headers: { ...headers, 'Content-Type': type }, duplex: 'half' },
    // Not awaited: a source that hangs would hold back the error. What fails here is the failure already reported.
    release: () => void body.return(undefined).catch(() => undefined),
  }
}

/** As browsers write names into a part's header (HTML standard, "multipart form data"); no line can be smuggled in. */
function quoted(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}

/** The bytes of a source that is no file, piece by piece. */
export async function* bytesOf(source: Exclude<UploadSource, Blob>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const chunk of Symbol.asyncIterator in source ? source : chunksOf(source)) {
    yield typeof chunk === 'string' ? encoder.encode(chunk) : chunk
  }
}

/** Safari's streams are not async iterables. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value
  } finally {
    await reader.cancel()
  }
}

function streamOf(bytes: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const step = await bytes.next()
      if (step.done === true) controller.close()
      else controller.enqueue(step.value)
    },
  })
}
