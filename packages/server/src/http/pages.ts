import type { FastifyInstance, FastifyReply } from 'fastify'
import { htmlPage } from './form-page.ts'
import type { LimiterNow } from './limit-calls.ts'

/** A page for a browser, outside the API. */
export interface Page {
  method: 'GET' | 'POST'
  path: string
  /** They hold texts as they came: nothing in them is checked. */
  handler: (input: { params: Fields; query: Fields; form: Fields }) => Promise<PageAnswer>
}

export interface PageAnswer {
  status: number
  html: string
  headers?: Record<string, string>
  /** A secret was shown that opens nothing: that costs the address. */
  isGuess?: boolean
}

/** The texts of a query or a form; a name that came twice holds a list. */
export type Fields = Readonly<Record<string, unknown>>

/** Nothing may frame a page, read it from a cache, or learn its address from a link. */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Serves pages; their own headers win over the strict ones that all have. */
export function registerPages(app: FastifyInstance, pages: readonly Page[], limiterNow: LimiterNow): void {
  for (const { method, path, handler } of pages)
    app.route({
      method,
      url: path,
      handler: async ({ params, query, body, ip: address }, reply) => {
        const limiter = await limiterNow()
        // What is sent sets passwords, and hashing one takes its time.
        const limitClass = method === 'POST' ? 'letter' : 'resource'
        const taken = limiter?.take({ limitClass, operation: `${method} ${path}`, address })
        if (taken?.allowed === false) return sendPage(reply, waitPage(taken.retryAfterSeconds))
        const answer = await handler({ params: fieldsOf(params), query: fieldsOf(query), form: fieldsOf(body) })
        const penalty = answer.isGuess === true ? limiter?.penalise(address, 'unknown-token') : undefined
        return sendPage(reply, penalty?.allowed === false ? waitPage(penalty.retryAfterSeconds) : answer)
      },
    })
}

function waitPage(seconds: number): PageAnswer {
  const page = htmlPage(429, 'Too many requests', `<p>Please try again in ${String(seconds)} seconds.</p>`)
  return { ...page, headers: { ...page.headers, 'retry-after': String(seconds) } }
}

function sendPage(reply: FastifyReply, { status, html, headers: own }: PageAnswer): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers, ...own })
    .send(html)
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
