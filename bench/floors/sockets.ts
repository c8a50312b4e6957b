// The floor of sockets: `ws` with the same settings, which does nothing but be there.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const http = createServer()
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('message', () => undefined)
})
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${String((http.address() as AddressInfo).port)}\n`)
})
process.once('SIGTERM', () => process.exit(0))
