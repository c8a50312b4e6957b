import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

const chime = new URL('../../assets/chime.mp3', import.meta.url)

/** `GET /sounds/chime.mp3`: what a widget plays when a message comes (contract §E.6). */
export function registerSounds(app: FastifyInstance): void {
  let read: Promise<Buffer> | undefined
  app.get('/sounds/chime.mp3', async (_request, reply) =>
    reply
      .headers({
        'content-type': 'audio/mpeg',
        'cache-control': 'public, max-age=86400',
        'x-content-type-options': 'nosniff',
      })
      .send(await (read ??= readFile(chime))),
  )
}
