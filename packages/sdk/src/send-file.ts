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
  const { operation, rid, file, token, sign } = sent
  const { onProgress, description } = options
  const { source, fetch } =
    onProgress === undefined ? { source: file, fetch: undefined } : tellProgress(file, onProgress, sent.fetch)
  let release: (() => void) | undefined
  try {
    const uploaded = await uploadForm(source, token, description, options)
    release = uploaded.release
    const signed = sign !== undefined && fetch !== undefined ? sign(fetch) : fetch
    const outgoing = { params: { rid }, form: uploaded.form, timeoutMs: Infinity, fetch: signed }
    const answer = await call<T>(operation, outgoing, options)
    if (file instanceof Blob) onProgress?.({ sentBytes: file.size, totalBytes: file.size })
    return answer
  } catch (error) {
    throw asLivechatError(error)
  } finally {
    release?.()
  }
}
