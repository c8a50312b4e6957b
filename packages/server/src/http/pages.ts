import type { FastifyInstance, FastifyReply } from 'fastify'

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
export function registerPages(app: FastifyInstance, pages: readonly Page[]): void {
  for (const { method, path, handler } of pages)
    app.route({
      method,
      url: path,
      handler: async ({ params, query, body }, reply) =>
        sendPage(reply, await handler({ params: fieldsOf(params), query: fieldsOf(query), form: fieldsOf(body) })),
    })
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
