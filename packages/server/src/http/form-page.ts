// What the forms outside the API share: plain HTML without scripts, for a keyboard, a screen reader and a phone alike.
import { createHash } from 'node:crypto'
import type { Fields, PageAnswer } from './pages.ts'

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 26rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
  label { display: block; margin-top: 1rem; font-weight: 600 }
  input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; border: 1px solid GrayText; border-radius: .3rem }
  input[aria-invalid] { border: 2px solid #c22 }
  button { margin-top: 1.5rem; padding: .7rem 1.2rem; font: inherit; cursor: pointer }
  .problem { margin: .2rem 0 0; font-weight: 600 }
  .hint { margin: .2rem 0 0 }
`

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A page with a heading; `content` is HTML. */
export function htmlPage(status: number, title: string, content: string): PageAnswer {
  return {
    status,
    headers: { 'content-security-policy': policy },
    html: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
    <h1>${title}</h1>
    ${content}
    </main>
  </body>
</html>
`,
  }
}

export interface FieldParts {
  name: string
  label: string
  value: string
  type: string
  autocomplete: string
  hint?: string
  problem: string | undefined
}

/** A field with its label, its hint and what is wrong with it. */
export function fieldOf({ name, label, value, type, autocomplete, hint, problem }: FieldParts): string {
  const described = [
    ...(problem === undefined ? [] : [`${name}-problem`]),
    ...(hint === undefined ? [] : [`${name}-hint`]),
  ]
  // A password that was typed is never sent back.
  const attributes = [
    `id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required`,
    ...(type === 'password' ? [] : [`value="${escapeHtml(value)}"`]),
    ...(problem === undefined ? [] : ['aria-invalid="true"']),
    ...(described.length === 0 ? [] : [`aria-describedby="${described.join(' ')}"`]),
  ]
  return [
    `<label for="${name}">${label}</label>`,
    `<input ${attributes.join(' ')}>`,
    ...(problem === undefined ? [] : [`<p class="problem" id="${name}-problem">${escapeHtml(problem)}</p>`]),
    ...(hint === undefined ? [] : [`<p class="hint" id="${name}-hint">${hint}</p>`]),
  ].join('\n      ')
}

/** A text of a query or a form; empty where there is none. */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}

/** A text for the inside of an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`)
}
