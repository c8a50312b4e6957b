import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startTestServer } from '../../testing/testing.ts'

test('a server that stops does not wait for connections on which nothing was asked', async () => {
  const desk = await startTestServer()
  const { port } = new URL(await desk.listen())
  const accepted = once(desk.server.http.server, 'connection')
  const socket = connect(Number(port), '127.0.0.1')
  await accepted
  const ended = once(socket, 'close')
  await desk.stop()
  await ended
  expect(socket.destroyed).toBe(true)
})
