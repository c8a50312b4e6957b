import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import type { FastifyInstance } from 'fastify'
import { readVersion } from '../version.ts'

/** What Swagger UI needs of its package; nothing is fetched from elsewhere. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Scripts only from files of this server. Swagger UI writes style attributes and draws its icons as data. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Deskbell API</title>
    <link rel="icon" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <script src="/docs/swagger-ui-bundle.js" defer></script>
    <script src="/docs/start.js" defer></script>
  </head>
  <body>
    <main id="api"><p>The page needs JavaScript. The same as data: <a href="/openapi.json">openapi.json</a>.</p></main>
  </body>
</html>
`

// Without validatorUrl: null, Swagger UI shows a badge that asks a server of its makers.
const startScript = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null, docExpansion: 'none' })
`

/** `GET /docs`: the API document to read and to try. */
export function registerDocsPage(app: FastifyInstance): void {
  const require = createRequire(import.meta.url)
  // Both versions: the files are those of the package, the page and its script are ours.
  const tag = `"${readVersion()}-${(require('swagger-ui-dist/package.json') as { version: string }).version}"`
  const headers = {
    'content-security-policy': policy,
    'cache-control': 'public, max-age=3600',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    etag: tag,
  }

  function serve(path: string, type: string, content: () => string | ReturnType<typeof createReadStream>): void {
    app.get(path, (request, reply) => {
      void reply.headers({ ...headers, 'content-type': type })
      return request.headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(content())
    })
  }

  serve('/docs', 'text/html; charset=utf-8', () => page)
  serve('/docs/start.js', 'text/javascript; charset=utf-8', () => startScript)
  for (const [name, type] of Object.entries(assets))
    serve(`/docs/${name}`, type, () => createReadStream(require.resolve(`swagger-ui-dist/${name}`)))
}
