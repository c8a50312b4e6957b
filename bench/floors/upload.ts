// The floor of an upload: bare node:http writes the body to a file of its own and flushes it. Usage: node upload.ts <folder>.
import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: upload.ts <folder>')

const server = createServer((request, response) => {
  writeOut(request).then(
    () => response.end('{"success":true}'),
    () => response.destroy(),
  )
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => server.close())

async function writeOut(request: IncomingMessage): Promise<void> {
  const handle = await open(join(folder ?? '', randomUUID()), 'wx')
  try {
    for await (const chunk of request) await handle.appendFile(chunk as Buffer)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
