// What the floors share: the schema of POST livechat/message, and a Fastify that says where it listens.
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'

export type Sent = { token: string; rid: string; msg: string; _id?: string }

/** The same shape that the product validates (contract.md A.18). */
export const sendSchema = {
  body: {
    type: 'object',
    required: ['token', 'rid', 'msg'],
    additionalProperties: false,
    properties: {
      token: { type: 'string', minLength: 1, maxLength: 256 },
      rid: { type: 'string', minLength: 1, maxLength: 64 },
      msg: { type: 'string', maxLength: 100_000 },
      _id: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
    },
  },
}

/** Listens on a free port of the loopback and prints it; SIGTERM closes. */
export async function listen(addRoutes: (app: FastifyInstance) => void): Promise<void> {
  const app = Fastify({ logger: false })
  addRoutes(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  process.once('SIGTERM', () => void app.close())
  process.stdout.write(`ready ${url}\n`)
}
