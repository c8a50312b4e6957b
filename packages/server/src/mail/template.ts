// HTML for letters. What is placed into a template is escaped, unless a template made it: forgetting it is impossible.

/** HTML that a template made. */
export class Markup {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

type Placed = string | number | Markup | readonly Markup[]

/** html`<p>${text}</p>`: whatever is placed stands there as text, in an element or between quotes. */
export function html(fixed: TemplateStringsArray, ...placed: readonly Placed[]): Markup {
  const parts = fixed.map((part, index) => part + (index < placed.length ? sourceOf(placed[index] ?? '') : ''))
  return new Markup(parts.join(''))
}

/** A text with its line breaks. */
export function withLineBreaks(text: string): Markup {
  return new Markup(
    text
      .split('\n')
      .map((line) => escape(line))
      .join('<br>'),
  )
}

/** A whole letter. */
export function letterPage(content: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
      </head>
      <body>
        ${content}
      </body>
    </html>`.source
}

function sourceOf(placed: Placed): string {
  if (placed instanceof Markup) return placed.source
  if (typeof placed === 'string' || typeof placed === 'number') return escape(String(placed))
  return placed.map(({ source }) => source).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.toWellFormed().replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}
