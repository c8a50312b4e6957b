import { bytesOf, isBrowser } from './upload.ts'
import type { UploadProgress, UploadSource } from './upload.ts'

type OnProgress = (progress: UploadProgress) => void

/** What an upload is sent with so that its progress is told. */
export interface ToldUpload {
  source: UploadSource
  /** Sends it, where the platform's `fetch` does not tell. */
  fetch?: typeof fetch | undefined
}

/**
 * Tells how far an upload has come: with `XMLHttpRequest` where there is one and no `fetch` was given, else as the bytes
 * are taken. Browsers without it, such as service workers, read streams to their end before sending: there only the whole
 * is told, by the caller.
 */
export function tellProgress(source: UploadSource, onProgress: OnProgress, givenFetch?: typeof fetch): ToldUpload {
  const totalBytes = source instanceof Blob ? source.size : undefined
  if (givenFetch === undefined && 'XMLHttpRequest' in globalThis)
    return { source, fetch: fetchByXhr(onProgress, totalBytes) }
  if (isBrowser()) return { source }
  const { name, type } = source as Partial<File>
  return { source: Object.assign(counted(source, onProgress, totalBytes), { name, type }) }
}

/** `fetch` in as far as uploads need it. The form around the file is not counted. */
function fetchByXhr(onProgress: OnProgress, totalBytes: number | undefined): typeof fetch {
  return async (url, { method = 'POST', headers, body, signal } = {}) => {
    const xhr = new XMLHttpRequest()
    xhr.open(method, url as string)
    for (const [name, value] of new Headers(headers)) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = ({ loaded }) =>
      onProgress({ sentBytes: Math.min(loaded, totalBytes ?? Infinity), totalBytes })
    await new Promise((resolve, reject) => {
      xhr.onload = resolve
      xhr.onerror = xhr.onabort = () => reject(new TypeError('The upload failed.'))
      signal?.addEventListener('abort', () => xhr.abort())
      xhr.send(body as XMLHttpRequestBodyInit)
      if (signal?.aborted === true) xhr.abort()
    })
    // Asked for one by one, browsers complain of each that the server does not show to pages of other origins.
    const answered = xhr.getAllResponseHeaders().matchAll(/(.+?): (.*)/g)
    return new Response(xhr.responseText || null, {
      status: xhr.status,
      headers: Array.from(answered, ([, name = '', value = '']): [string, string] => [name, value]),
    })
  }
}

/** The same bytes, told as they are taken. */
async function* counted(
  source: UploadSource,
  onProgress: OnProgress,
  totalBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  let sentBytes = 0
  for await (const chunk of bytesOf(source instanceof Blob ? source.stream() : source)) {
    yield chunk
    sentBytes += chunk.byteLength
    onProgress({ sentBytes, totalBytes })
  }
}
