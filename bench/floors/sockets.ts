// The floor of sockets: `ws` with the same settings. It says what a POST brings to every socket that is there, answers a
// frame that asks for something with one word, and does nothing else.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const http = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const said = Buffer.concat(chunks).toString('utf8')
    if (request.method === 'POST') for (const socket of sockets.clients) socket.send(said)
    response.end('{"success":true}')
  })
})
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('message', (bytes: Buffer) => {
    if (bytes.includes('"id"')) socket.send('{"msg":"ready"}')
  })
})
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${String((http.address() as AddressInfo).port)}\n`)
})
process.once('SIGTERM', () => process.exit(0))
