// The floor of HTTP: Fastify validates a message and answers it. Nothing is stored.
import type { Sent } from './listen.ts'
import { listen, sendSchema } from './listen.ts'

await listen((app) => {
  app.post<{ Body: Sent }>('/api/v1/livechat/message', { schema: sendSchema }, ({ body }, reply) =>
    reply.send({ message: body, success: true }),
  )
})
