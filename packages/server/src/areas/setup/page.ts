// The set-up form: plain HTML without scripts, for a keyboard, a screen reader and a phone alike.
import type { Context } from '../../context.ts'
import { escapeHtml, fieldOf, htmlPage, textOf } from '../../http/form-page.ts'
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
  return htmlPage(
    status,
    title,
    `<p${count === 0 ? '' : ' role="alert"'}>${count === 0 ? 'Create the administrator of this server.' : 'Nothing was created yet: see below.'}</p>
    <form method="post" action="${setupPath}">
      <input type="hidden" name="key" value="${escapeHtml(key)}">
      ${field('username', 'Username', { type: 'text', autocomplete: 'username' })}
      ${field('name', 'Name', { type: 'text', autocomplete: 'name', hint: 'Visitors and colleagues see it.' })}
      ${field('email', 'E-mail', { type: 'email', autocomplete: 'email' })}
      ${field('password', 'Password', { type: 'password', autocomplete: 'new-password', hint: 'At least 8 characters.' })}
      ${field('repeated', 'Password again', { type: 'password', autocomplete: 'new-password' })}
      <button type="submit">Create administrator</button>
    </form>`,
  )
}

function donePage({ username }: AdministratorForm): PageAnswer {
  return htmlPage(
    200,
    'Deskbell is set up',
    `<p>The administrator <strong>${escapeHtml(username)}</strong> exists and can sign in. This link no longer works.</p>`,
  )
}

function closedPage(): PageAnswer {
  return htmlPage(
    404,
    'This link does not work',
    `<p>The server has an administrator already, or it was started again and printed a new link.</p>`,
  )
}
