import type { Operation } from './answers.ts'
import type { Call } from './call.ts'
import { asLivechatError } from './livechat-error.ts'
import { tellProgress } from './upload-progress.ts'
import type { ToldUpload } from './upload-progress.ts'
import { uploadForm } from './upload.ts'
import type { Upload, UploadSource } from './upload.ts'
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
  const { operation, rid, file, token, sign = (given: Fetch) => given } = sent
  const { onProgress, description } = options
  const { source, fetch }: ToldUpload =
    onProgress === undefined ? { source: file } : tellProgress(file, onProgress, sent.fetch)
  let uploaded: Upload | undefined
  try {
    uploaded = await uploadForm(source, token, description, options)
    const outgoing = { params: { rid }, form: uploaded.form, timeoutMs: Infinity, fetch: fetch && sign(fetch) }
    const answer = await call<T>(operation, outgoing, options)
    if (file instanceof Blob) onProgress?.({ sentBytes: file.size, totalBytes: file.size })
    return answer
  } catch (error) {
    throw asLivechatError(error)
  } finally {
    uploaded?.release?.()
  }
}
