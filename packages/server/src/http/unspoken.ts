import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections on which nothing was asked yet: browsers open some in advance. Node takes them for busy, so that a server
 * that stops would wait for each until its time is over. The answer lets go of them, and of those that come later.
 */
export function watchUnspoken(server: Server): () => void {
  const unspoken = new Set<Socket>()
  let isClosing = false
  server.on('connection', (socket: Socket) => {
    if (isClosing) {
      socket.destroy()
      return
    }
    unspoken.add(socket)
    socket.once('close', () => unspoken.delete(socket))
  })
  const hasSpoken = ({ socket }: { socket: Socket }) => unspoken.delete(socket)
  server.on('request', hasSpoken)
  server.on('upgrade', hasSpoken)
  return () => {
    isClosing = true
    // Where a request has begun it is answered.
    for (const socket of unspoken) if (socket.bytesRead === 0) socket.destroy()
  }
}
