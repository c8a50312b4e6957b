// Forms with files, as browsers and attackers write them.
import type { TestServer } from './testing.ts'
import type { RawAnswer } from './testing.ts'

/** One part of a form; with a file name it is a file. */
export interface FormPart {
  name: string
  content: string | Buffer
  fileName?: string
  type?: string
}

const boundary = 'a-boundary-of-the-tests'

/** The content type of every form made here. */
export const formType = `multipart/form-data; boundary=${boundary}`

/** The bytes of a form. */
export function formOf(parts: readonly FormPart[], { isWhole = true } = {}): Buffer {
  const written = parts.flatMap(({ name, content, fileName, type }) => [
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"` +
        (fileName === undefined ? '' : `; filename="${fileName}"`) +
        (type === undefined ? '' : `\r\ncontent-type: ${type}`) +
        '\r\n\r\n',
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat(isWhole ? [...written, Buffer.from(`--${boundary}--\r\n`)] : written.slice(0, -1))
}

/** Sends a form; answers whatever comes. */
export async function sendForm(
  desk: TestServer,
  path: string,
  form: readonly FormPart[] | Buffer,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const answer = await desk.server.http.inject({
    method: 'POST',
    url: `/api/v1${path}`,
    headers: { 'content-type': formType, ...headers },
    payload: Buffer.isBuffer(form) ? form : formOf(form),
  })
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers }
}
