// A real name server on the loopback interface that knows which domains take mail, and nothing else.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  address: string
  /** The domains it was asked about. */
  asked: string[]
  stop: () => Promise<void>
}

/** Starts one. `exchanges`: domain → the server that takes its mail, an empty name for one that says it takes none. */
export async function startNameServer(exchanges: Readonly<Record<string, string>>): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, { port, address }) => {
    const name = nameIn(query)
    asked.push(name)
    socket.send(answerTo(query, exchanges[name]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${String(socket.address().port)}`,
    asked,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

const HEADER = 12

/** The name in the only question of a query (RFC 1035, 4.1.2). */
function nameIn(query: Buffer): string {
  const labels: string[] = []
  for (let at = HEADER; query[at] !== 0; at += (query[at] ?? 0) + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)))
  return labels.join('.').toLowerCase()
}

/** The answer: one MX record, or that there is no such name. */
function answerTo(query: Buffer, exchange: string | undefined): Buffer {
  const question = query.subarray(HEADER, query.indexOf(0, HEADER) + 5)
  const header = Buffer.alloc(HEADER)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(exchange === undefined ? 0x8183 : 0x8180, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(exchange === undefined ? 0 : 1, 6)
  return Buffer.concat([header, question, ...(exchange === undefined ? [] : [mxRecord(exchange)])])
}

function mxRecord(exchange: string): Buffer {
  const labels = exchange === '' ? [] : exchange.split('.')
  const name = Buffer.concat([
    ...labels.map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.from([0]),
  ])
  const record = Buffer.alloc(14)
  record.writeUInt16BE(0xc00c, 0) // the name of the question
  record.writeUInt16BE(15, 2) // MX
  record.writeUInt16BE(1, 4) // Internet
  record.writeUInt32BE(60, 6) // seconds it may be remembered
  record.writeUInt16BE(2 + name.length, 10)
  record.writeUInt16BE(10, 12) // preference
  return Buffer.concat([record, name])
}
