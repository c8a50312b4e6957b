import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as it arrived. */
export interface Arrival {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export type Answerer = (response: ServerResponse, arrival: Arrival) => void

/** A server on loopback that writes down what arrives and answers what a test tells it to. */
export interface Server {
  url: string
  arrivals: Arrival[]
  /** The answers to come, in order; the last one repeats. */
  answers: Answerer[]
  close(): Promise<void>
}

export async function startServer(): Promise<Server> {
  const arrivals: Arrival[] = []
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const arrival = { method, path: url, headers, body: Buffer.concat(chunks).toString('latin1') }
      arrivals.push(arrival)
      const answer = server.answers.length > 1 ? server.answers.shift() : server.answers[0]
      answer?.(response, arrival)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    arrivals,
    answers: [json({ success: true })],
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return server
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answerer {
  return text(JSON.stringify(body), status, { 'Content-Type': 'application/json', ...headers })
}

export function text(body: string, status: number, headers: Record<string, string> = {}): Answerer {
  return (response) => response.writeHead(status, headers).end(body)
}

/** The connection breaks before any answer. */
export const brokenLine: Answerer = (response) => response.destroy()

/** Nothing is ever answered. */
export const silence: Answerer = () => undefined
