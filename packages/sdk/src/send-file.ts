import type { Operation } from './answers.ts'
import type { Call } from './call.ts'
import { asLivechatError } from './livechat-error.ts'
import { tellProgress } from './upload-progress.ts'
import { uploadForm } from './upload.ts'
import type { UploadSource } from './upload.ts'
import type { SessionUploadOptions } from './visitor.ts'

type Fetch = typeof globalThis.fetch

/** A file, and how it is sent. */
export interface SentFile {
  operation: Operation
  rid: string
  file: UploadSource
  /** The visitor's. */
  token?: string | undefined
  /** The one that the session was given, if one was. */
  fetch: Fetch | undefined
  /** Says with every request who asks, where a token of a visitor does not. */
  sign?: (fetch: Fetch) => Fetch
}

/** Sends a file into a room; answers what the server says. Rejects as `call` does. */
export async function sendFile<T>(call: Call, sent: SentFile, options: SessionUploadOptions): Promise<T> {
  const { operation, rid, file, token, sign = unsigned } = sent
  const { onProgress, description } = options
  // What is told as it is sent has no name and type any more.
  const { name, type } = Object(file) as Partial<File>
  const named = { ...options, fileName: options.fileName ?? name, fileType: options.fileType ?? (type || undefined) }
  const { source, fetch } = onProgress === undefined ? { source: file } : tellProgress(file, onProgress, sent.fetch)
  const uploaded = uploadForm(source, token, description, named)
  const { form, release } = await uploaded.catch((error: unknown) => {
    throw asLivechatError(error)
  })
  try {
    const outgoing = { params: { rid }, form, timeoutMs: Infinity, ...(fetch !== undefined && { fetch: sign(fetch) }) }
    const answer = await call<T>(operation, outgoing, options)
    if (file instanceof Blob) onProgress?.({ sentBytes: file.size, totalBytes: file.size })
    return answer
  } finally {
    release()
  }
}

function unsigned(fetch: Fetch): Fetch {
  return fetch
}
