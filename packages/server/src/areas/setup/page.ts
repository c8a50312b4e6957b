// The set-up form: plain HTML without scripts, for a keyboard, a screen reader and a phone alike.
import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import type { Fields, Page, PageAnswer } from '../../http/pages.ts'
import {
  createFromForm,
  findProblems,
  refusalOf,
  type AdministratorForm,
  type FormProblems,
  type Setup,
} from './setup.ts'

/** Where the link of the set-up leads. */
export const setupPath = '/setup'

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 26rem; margin: 2rem auto; padding: 0 1rem }
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

const empty: AdministratorForm = { username: '', name: '', email: '', password: '', repeated: '' }

/** The form, and where it is sent. Without the right key, and as soon as there is an administrator, both say so. */
export function setupPages(context: Context, setup: Setup): Page[] {
  const isOpen = (key: string) => setup.isOpenWith(context.read, key)
  return [
    {
      method: 'GET',
      path: setupPath,
      handler: async ({ query }) => {
        const key = textOf(query, 'key')
        return (await isOpen(key)) ? formPage(200, key, empty, {}) : closedPage()
      },
    },
    {
      method: 'POST',
      path: setupPath,
      handler: async ({ form }) => {
        const key = textOf(form, 'key')
        return (await isOpen(key)) ? receive(context, key, form) : closedPage()
      },
    },
  ]
}

async function receive(context: Context, key: string, fields: Fields): Promise<PageAnswer> {
  const form: AdministratorForm = {
    username: textOf(fields, 'username').trim(),
    name: textOf(fields, 'name').trim(),
    email: textOf(fields, 'email').trim(),
    password: textOf(fields, 'password'),
    repeated: textOf(fields, 'repeated'),
  }
  const problems = findProblems(form)
  if (Object.keys(problems).length > 0) return formPage(400, key, form, problems)
  try {
    return (await createFromForm(context, form)) ? donePage(form) : closedPage()
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return formPage(400, key, form, { username: refusal })
  }
}

function formPage(status: number, key: string, form: AdministratorForm, problems: FormProblems): PageAnswer {
  const count = Object.keys(problems).length
  const title = count === 0 ? 'Set up Deskbell' : 'Please correct the form'
  const field = (
    name: keyof AdministratorForm,
    label: string,
    rest: { type: string; autocomplete: string; hint?: string },
  ) => fieldOf({ name, label, value: form[name], problem: problems[name], ...rest })
  return page(
    status,
    title,
    `<p${count === 0 ? '' : ' role="alert"'}>${count === 0 ? 'Create the administrator of this server.' : 'Nothing was created yet: see below.'}</p>
    <form method="post" action="${setupPath}">
      <input type="hidden" name="key" value="${escape(key)}">
      ${field('username', 'Username', { type: 'text', autocomplete: 'username' })}
      ${field('name', 'Name', { type: 'text', autocomplete: 'name', hint: 'Visitors and colleagues see it.' })}
      ${field('email', 'E-mail', { type: 'email', autocomplete: 'email' })}
      ${field('password', 'Password', { type: 'password', autocomplete: 'new-password', hint: 'At least 8 characters.' })}
      ${field('repeated', 'Password again', { type: 'password', autocomplete: 'new-password' })}
      <button type="submit">Create administrator</button>
    </form>`,
  )
}

interface FieldParts {
  name: string
  label: string
  value: string
  type: string
  autocomplete: string
  hint?: string
  problem: string | undefined
}

function fieldOf({ name, label, value, type, autocomplete, hint, problem }: FieldParts): string {
  const described = [
    ...(problem === undefined ? [] : [`${name}-problem`]),
    ...(hint === undefined ? [] : [`${name}-hint`]),
  ]
  // A password that was typed is never sent back.
  const attributes = [
    `id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required`,
    ...(type === 'password' ? [] : [`value="${escape(value)}"`]),
    ...(problem === undefined ? [] : ['aria-invalid="true"']),
    ...(described.length === 0 ? [] : [`aria-describedby="${described.join(' ')}"`]),
  ]
  return [
    `<label for="${name}">${label}</label>`,
    `<input ${attributes.join(' ')}>`,
    ...(problem === undefined ? [] : [`<p class="problem" id="${name}-problem">${escape(problem)}</p>`]),
    ...(hint === undefined ? [] : [`<p class="hint" id="${name}-hint">${hint}</p>`]),
  ].join('\n      ')
}

function donePage({ username }: AdministratorForm): PageAnswer {
  return page(
    200,
    'Deskbell is set up',
    `<p>The administrator <strong>${escape(username)}</strong> exists and can sign in. This link no longer works.</p>`,
  )
}

function closedPage(): PageAnswer {
  return page(
    404,
    'This link does not work',
    `<p>The server has an administrator already, or it was started again and printed a new link.</p>`,
  )
}

function page(status: number, title: string, content: string): PageAnswer {
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

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`)
}
