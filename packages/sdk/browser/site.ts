// A shop's web site: another origin than the server's, as it is where a chat is part of a page.
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

export interface Site {
  /** Browsers take it for secure. */
  url: string
  port: number
  /** Answers this page there from now on. */
  put(path: string, html: string): void
  close(): Promise<void>
}

const types: Record<string, string> = { '.html': 'text/html', '.mjs': 'text/javascript', '.css': 'text/css' }

/** The folder with everything that was built for the pages. */
export function siteFolder(): string {
  const folder = process.env['DESKBELL_TEST_SITE']
  if (folder === undefined) throw new Error('Run the tests through vitest: it builds the pages first.')
  return folder
}

/** Serves the built files on a port of its own. */
export async function startSite(): Promise<Site> {
  const folder = siteFolder()
  const pages = new Map<string, string>()
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    const page = pages.get(pathname)
    const file = join(folder, pathname)
    if (page === undefined && !existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    response.setHeader('content-type', types[extname(pathname)] ?? 'text/plain')
    // Frames in a sandbox are of no origin, and load scripts as if from another site.
    response.setHeader('access-control-allow-origin', '*')
    if (page === undefined) createReadStream(file).pipe(response)
    else response.end(page)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    put: (path, html) => void pages.set(path, html),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
