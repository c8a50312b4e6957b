// The floor of a list: Fastify, and the first fifty rooms by their opening as raw prepared SQL over the same file.
// Usage: node pages.ts <database file>.
import Database from 'better-sqlite3'
import { listen } from './listen.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: pages.ts <database file>')

const page = new Database(file, { readonly: true }).prepare(
  'select * from room order by "openedAt" desc, "id" desc limit 50',
)

await listen((app) => {
  app.get('/api/v1/livechat/rooms', (_request, reply) => reply.send({ rooms: page.all(), success: true }))
})
