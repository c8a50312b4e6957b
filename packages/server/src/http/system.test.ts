import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/testing.ts'

let desk: TestServer

beforeEach(async () => {
  desk = await startTestServer()
})

afterEach(async () => {
  await desk.stop()
})

function get(url: string, headers: Record<string, string> = {}) {
  return desk.server.http.inject({ method: 'GET', url, headers })
}

describe('health', () => {
  test('the process says that it is alive', async () => {
    const answer = await get('/healthz')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ status: 'ok' })
  })

  test('the server is ready when its database answers a read', async () => {
    const answer = await get('/readyz')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ status: 'ready' })
  })

  test('the server is not ready without its database, and still alive', async () => {
    await desk.server.worker.stop()
    await desk.server.database.close()
    expect((await get('/readyz')).statusCode).toBe(503)
    expect((await get('/healthz')).statusCode).toBe(200)
    desk.server.close = () => desk.server.http.close()
  })
})

describe('GET /api/info', () => {
  test('tells the version of the API that clients ask for, to any site', async () => {
    const answer = await get('/api/info', { origin: 'https://shop.example' })
    expect(answer.json()).toEqual({ version: '7.0', success: true })
    expect(answer.headers['access-control-allow-origin']).toBe('*')
  })
})

describe('GET /metrics', () => {
  test('counts calls by operation and status, whichever spelling was called', async () => {
    await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: 'nobody-knows-this-token' } })
    await desk.anyone.raw('POST /livechat/visitors.status', {
      body: { token: 'nobody-knows-this-token', status: 'away' },
    })
    const { payload, headers } = await get('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(payload).toContain(
      'deskbell_call_duration_seconds_count{operation="GET /livechat/visitor/:token",status="400"} 1',
    )
    expect(payload).toContain(
      'deskbell_call_duration_seconds_count{operation="POST /livechat/visitor.status",status="400"} 1',
    )
    expect(payload).not.toContain('nobody-knows-this-token')
  })

  test('shows the process and the queue of the writer', async () => {
    const { payload } = await get('/metrics')
    expect(payload).toMatch(/^process_resident_memory_bytes \d{7,}$/m)
    expect(payload).toMatch(/^process_cpu_seconds_total [\d.e-]+$/m)
    expect(payload).toMatch(/^deskbell_writes_waiting 0$/m)
    expect(payload).toContain(`database="${desk.server.database.kind}"} 1`)
  })

  test('shows how late the event loop was since the last look', async () => {
    const shown = /^deskbell_event_loop_delay_seconds\{quantile="0\.99"\} [\d.e-]+$/m
    // Each look begins where the last one ended, and it takes the clock of the machine to be late.
    await vi.waitFor(async () => expect((await get('/metrics')).payload).toMatch(shown), { timeout: 15_000 })
  })

  test.each(['/metrics', '/healthz', '/readyz', '/openapi.json', '/docs'])('no other site can read %s', async (url) => {
    const { headers } = await get(url, { origin: 'https://shop.example' })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })
})

describe('the API document', () => {
  test('is served as docs/openapi.json has it', async () => {
    const answer = await get('/openapi.json')
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json<{ openapi: string }>().openapi).toBe('3.1.0')
    expect(answer.json<{ paths: object }>().paths).toHaveProperty('/api/v1/livechat/room')
  })

  test('is not sent again to who has it', async () => {
    const { headers } = await get('/openapi.json')
    const again = await get('/openapi.json', { 'if-none-match': String(headers.etag) })
    expect(again.statusCode).toBe(304)
    expect(again.payload).toBe('')
  })

  test.each([
    ['/docs', 'text/html; charset=utf-8'],
    ['/docs/start.js', 'text/javascript; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/favicon-32x32.png', 'image/png'],
  ])('its page has %s', async (url, type) => {
    const answer = await get(url)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe(type)
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(answer.headers['cache-control']).toBe('public, max-age=3600')
    const again = await get(url, { 'if-none-match': String(answer.headers.etag) })
    expect(again.statusCode).toBe(304)
  })

  test('its page asks no other server for anything', async () => {
    const { payload } = await get('/docs')
    expect([...payload.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toEqual([
      '/docs/favicon-32x32.png',
      '/docs/swagger-ui.css',
      '/docs/swagger-ui-bundle.js',
      '/docs/start.js',
      '/openapi.json',
    ])
  })

  test('nothing else of the package is served', async () => {
    expect((await get('/docs/package.json')).statusCode).toBe(404)
    expect((await get('/docs/..%2fpackage.json')).statusCode).toBe(404)
    expect(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')).toBeTruthy()
  })
})

describe('shutting down', () => {
  const body = JSON.stringify({ visitor: { token: 'a-token-of-32-characters-or-more' } })
  const post = [
    'POST /api/v1/livechat/visitor HTTP/1.1',
    'Host: desk',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    '',
  ].join('\r\n')

  async function open(): Promise<{ socket: Socket; received: () => string; closed: Promise<unknown> }> {
    const { port } = desk.server.http.server.address() as { port: number }
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const closed = once(socket, 'close')
    await once(socket, 'connect')
    return { socket, received: () => text, closed }
  }

  /** Sends and waits until the server has seen it, which an answer on the same connection cannot tell. */
  async function send({ socket }: { socket: Socket }, text: string): Promise<void> {
    await new Promise<void>((resolve) => socket.write(text, () => resolve()))
    await desk.server.http.inject({ method: 'GET', url: '/healthz' })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }

  test('answers the calls in hand, closes their connections, and lets nobody new in', async () => {
    await desk.server.listen()
    const { port } = desk.server.http.server.address() as { port: number }
    const talking = await open()
    const asking = await open()
    const idle = await open()
    await send(idle, 'GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n')
    expect(idle.received()).toContain('200 OK')
    await send(talking, post)
    await send(asking, 'GET /readyz HTTP/1.1\r\nHost: desk\r\n')

    const closing = desk.server.close()
    await idle.closed
    const refused = connect(port, '127.0.0.1')
    await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED')

    asking.socket.write('\r\n')
    await asking.closed
    expect(asking.received()).toContain('503 Service Unavailable')
    expect(asking.received()).toContain('{"status":"closing"}')

    talking.socket.write(body)
    await talking.closed
    expect(talking.received()).toContain('HTTP/1.1 200 OK')
    expect(talking.received().toLowerCase()).toContain('\r\nconnection: close\r\n')
    expect(talking.received()).toContain('"success":true')
    await closing
    await desk.restart()
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', {
      params: { token: 'a-token-of-32-characters-or-more' },
    })
    expect(visitor.token).toBe('a-token-of-32-characters-or-more')
  })
})
