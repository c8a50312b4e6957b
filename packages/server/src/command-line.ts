import { parseArgs } from 'node:util'
import { closestOf } from './closest.ts'
import type { Flags } from './config.ts'
import { flagLines } from './config.ts'

/** What `deskbell …` was asked to do. */
export type CommandLine =
  | { command: 'serve'; flags: Flags }
  | { command: 'user-create'; user: NewUser; flags: Flags }
  | { command: 'doctor'; flags: Flags }
  | { command: 'help'; text: string }
  | { command: 'version' }
  | { command: 'wrong'; message: string }

/** A user as described on the command line; the password comes from standard input. */
export type NewUser = { username: string; name: string; email: string; roles: string[]; id?: string }

type OptionKind = 'text' | 'list' | 'switch'
type Options = Readonly<Record<string, OptionKind>>
type Typed = { values: Partial<Record<string, string[]>>; problems: string[] }
type Command = { options: Options; help: () => string; read: (typed: Typed) => CommandLine }

const commands: Readonly<Record<string, Command>> = {
  serve: {
    options: { host: 'text', port: 'text', data: 'text', help: 'switch' },
    help: serveHelp,
    read: ({ values }) => ({ command: 'serve', flags: flagsOf(values) }),
  },
  'user create': {
    options: {
      username: 'text',
      name: 'text',
      email: 'text',
      role: 'list',
      id: 'text',
      data: 'text',
      help: 'switch',
    },
    help: userCreateHelp,
    read: readUserCreate,
  },
  doctor: {
    options: { data: 'text', help: 'switch' },
    help: doctorHelp,
    read: ({ values }) => ({ command: 'doctor', flags: flagsOf(values) }),
  },
}

/** What these words, typed after `deskbell`, ask for. Never throws: `wrong` says everything that is wrong with them. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const name = Object.keys(commands).find((command) => command.split(' ').every((word, i) => words[i] === word))
  const command = name === undefined ? undefined : commands[name]
  if (name === undefined || command === undefined) return readWithoutCommand(words)

  const typed = readOptions(words.slice(name.split(' ').length), command.options)
  if (typed.values['help'] !== undefined) return { command: 'help', text: command.help() }
  const result = command.read(typed)
  if (typed.problems.length > 0) return wrong(typed.problems, name)
  return result
}

function readWithoutCommand(words: readonly string[]): CommandLine {
  const named = words.slice(0, words.findIndex((word) => word.startsWith('-')) >>> 0)
  const { values, problems } = readOptions(words.slice(named.length), { help: 'switch', version: 'switch' })
  if (values['help'] !== undefined || words.length === 0) return { command: 'help', text: topHelp() }
  if (named.length > 0) return wrong([unknownCommand(named)])
  if (problems.length > 0) return wrong(problems)
  return { command: 'version' }
}

function unknownCommand(named: readonly string[]): string {
  const wanted = named.slice(0, named[0] === 'user' ? 2 : 1).join(' ')
  const meant = closestOf(wanted, Object.keys(commands)) ?? (wanted === 'user' ? 'user create' : undefined)
  return `there is no command "${wanted}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`
}

function wrong(problems: readonly string[], command?: string): CommandLine {
  const help = ['deskbell', ...(command === undefined ? [] : [command]), '--help'].join(' ')
  return { command: 'wrong', message: [...problems.map((problem) => `deskbell: ${problem}`), `See ${help}`].join('\n') }
}

function readOptions(words: readonly string[], options: Options): Typed {
  const typed: Typed = { values: {}, problems: [] }
  const { tokens } = parseArgs({
    args: [...words],
    // Every option is parsed as a switch: as texts they would swallow the next option (`--host --port 1`).
    options: Object.fromEntries(
      Object.keys(options).map((name) => [name, { type: 'boolean', ...(name === 'help' && { short: 'h' }) }]),
    ),
    // Strict parsing stops at the first mistake; the person who typed deserves all of them.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  let belongsToOption: number | undefined
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index !== belongsToOption)
      typed.problems.push(`"${token.value}" is one word too many`)
    if (token.kind !== 'option') continue
    const next = tokens.find((other) => other.kind === 'positional' && other.index === token.index + 1)
    const takesNext = options[token.name] !== 'switch' && token.value === undefined && next?.kind === 'positional'
    if (takesNext) belongsToOption = next.index
    noteOption({ ...token, value: takesNext ? next.value : token.value }, options, typed)
  }
  return typed
}

type OptionToken = { name: string; rawName: string; value: string | undefined }

function noteOption({ name, rawName, value }: OptionToken, options: Options, typed: Typed): void {
  const kind = Object.hasOwn(options, name) ? options[name] : undefined
  const earlier = typed.values[name]
  const problem = problemOf()
  if (problem === undefined) typed.values[name] = [...(earlier ?? []), value ?? '']
  else typed.problems.push(problem)

  function problemOf(): string | undefined {
    if (kind === undefined) return unknownOption(name, rawName, Object.keys(options))
    if (kind === 'switch') return value === undefined ? undefined : `${rawName} takes no value`
    if (value === undefined) return `${rawName} needs a value`
    return earlier !== undefined && kind === 'text' ? `${rawName} is given twice` : undefined
  }
}

function unknownOption(name: string, rawName: string, known: readonly string[]): string {
  const meant = closestOf(name, known)
  return `there is no option ${rawName}${meant === undefined ? '' : `; did you mean --${meant}?`}`
}

function readUserCreate({ values, problems }: Typed): CommandLine {
  const text = (name: string): string => {
    const value = values[name]?.[0]?.trim() ?? ''
    if (value === '') problems.push(`--${name} is missing`)
    return value
  }
  const user: NewUser = { username: text('username'), name: text('name'), email: text('email'), roles: rolesOf(values) }
  if (user.roles.length === 0) problems.push('--role is missing')
  const id = values['id']?.[0]
  if (id !== undefined) user.id = id
  return { command: 'user-create', user, flags: flagsOf(values) }
}

function rolesOf(values: Typed['values']): string[] {
  const written = (values['role'] ?? []).flatMap((value) => value.split(',')).map((role) => role.trim())
  return [...new Set(written.filter((role) => role !== ''))]
}

function flagsOf(values: Typed['values']): Flags {
  const flags: Flags = {}
  for (const flag of ['host', 'port', 'data'] as const) {
    const value = values[flag]?.[0]
    if (value !== undefined) flags[flag] = value
  }
  return flags
}

function topHelp(): string {
  return `Deskbell, a livechat server.

Usage: deskbell <command> [options]

  serve         run the server
  user create   add a user
  doctor        look for trouble in an installation

  --help        this text, or that of a command: deskbell serve --help
  --version     the version

Every environment variable: docs/configuration.md`
}

function serveHelp(): string {
  return `Run the server until SIGTERM or SIGINT.

Usage: deskbell serve [options]

${flagLines().join('\n')}

At the first start on an empty database it creates the administrator of DESKBELL_ADMIN_USERNAME and
DESKBELL_ADMIN_PASSWORD, or prints a link, valid once, to create one. Every environment variable:
docs/configuration.md`
}

function userCreateHelp(): string {
  return `Add a user. The password is asked for, or read from standard input when that is no terminal.

Usage: deskbell user create --username <text> --name <text> --email <text> --role <role> … [options]

  --username <text>    name to log in with
  --name <text>        name that visitors and colleagues see
  --email <text>       e-mail address
  --role <role>        admin, livechat-manager, livechat-monitor, livechat-agent, user, …
                       several: --role a --role b, or --role a,b
  --id <text>          id of the user (default: a new one)
${dataLine()}

Example: deskbell user create --username ada --name Ada --email ada@example.org --role livechat-agent < password.txt`
}

function doctorHelp(): string {
  return `Look for trouble in an installation and say what to do about it: the data folder and its lock, disk space,
the database and its migrations, parked jobs, the clock. It changes nothing.

Usage: deskbell doctor [options]

${dataLine()}

Exit code: 0 when nothing is broken (warnings included), 1 when a check failed.`
}

function dataLine(): string {
  return flagLines().find((line) => line.includes('--data')) ?? ''
}
