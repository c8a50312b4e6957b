// The page behind a one-time link: its holder chooses a password. Looking at it changes nothing, so that programs that
// open links in letters do no harm; no cookie lends it authority, only the token in its address.
import { ApiError } from '../../api-error.ts'
import type { Context } from '../../context.ts'
import { escapeHtml, fieldOf, htmlPage, textOf } from '../../http/form-page.ts'
import type { Fields, Page, PageAnswer } from '../../http/pages.ts'
import { hashPassword } from '../../passwords.ts'
import { isLongEnough, leastPassword, type User } from '../users/users.ts'
import { accountPath, choosePassword, findAccountOf } from './accounts.ts'

const path = `${accountPath}/:token`

/** The form, and where it is sent: the same address, whatever the server is called from outside. */
export function accountPages(context: Context): Page[] {
  const accountOf = ({ params }: { params: Fields }) =>
    findAccountOf(context.read, textOf(params, 'token'), new Date(context.clock()).toISOString())
  return [
    {
      method: 'GET',
      path,
      handler: async (input) => {
        const user = await accountOf(input)
        return user === undefined ? closedPage() : formPage(200, user, {})
      },
    },
    {
      method: 'POST',
      path,
      handler: async (input) => {
        const user = await accountOf(input)
        return user === undefined ? closedPage() : receive(context, user, input)
      },
    },
  ]
}

type Problems = Partial<Record<'password' | 'repeated', string>>

async function receive(
  { transact }: Context,
  user: User,
  { params, form }: { params: Fields; form: Fields },
): Promise<PageAnswer> {
  const password = textOf(form, 'password')
  const problems = findProblems(password, textOf(form, 'repeated'))
  if (Object.keys(problems).length > 0) return formPage(400, user, problems)
  const passwordHash = await hashPassword(password)
  try {
    return donePage(await transact((tx) => choosePassword(tx, textOf(params, 'token'), passwordHash)))
  } catch (error) {
    if (error instanceof ApiError) return closedPage()
    throw error
  }
}

function findProblems(password: string, repeated: string): Problems {
  return {
    ...(!isLongEnough(password) && { password: `Use at least ${String(leastPassword)} characters.` }),
    ...(password.length > LONGEST && { password: `Use ${String(LONGEST)} characters at most.` }),
    ...(repeated !== password && { repeated: 'The two passwords differ.' }),
  }
}

/** Signing in takes no longer ones. */
const LONGEST = 1_024

function formPage(status: number, { username }: User, problems: Problems): PageAnswer {
  const isFirst = Object.keys(problems).length === 0
  const field = (name: 'password' | 'repeated', label: string, hint?: string) =>
    fieldOf({
      name,
      label,
      value: '',
      type: 'password',
      autocomplete: 'new-password',
      problem: problems[name],
      ...(hint !== undefined && { hint }),
    })
  return htmlPage(
    status,
    isFirst ? 'Choose your password' : 'Please correct the form',
    `<p${isFirst ? '' : ' role="alert"'}>${isFirst ? 'You sign in as' : 'Nothing was changed yet for'} <strong><bdi>${escapeHtml(username)}</bdi></strong>.</p>
    <form method="post">
      <input type="text" name="username" autocomplete="username" value="${escapeHtml(username)}" hidden readonly>
      ${field('password', 'Password', `At least ${String(leastPassword)} characters.`)}
      ${field('repeated', 'Password again')}
      <button type="submit">Set password</button>
    </form>`,
  )
}

function donePage({ username }: User): PageAnswer {
  return htmlPage(
    200,
    'Your password is set',
    `<p>You can sign in as <strong><bdi>${escapeHtml(username)}</bdi></strong> now. This link no longer works, and every other device is signed out.</p>`,
  )
}

function closedPage(): PageAnswer {
  const page = htmlPage(
    404,
    'This link does not work',
    `<p>It was used, it has expired, or a newer one took its place. Ask for another letter.</p>`,
  )
  return { ...page, isGuess: true }
}
