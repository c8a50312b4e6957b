// What the person who runs the server decides, before it starts: the environment and the flags of `deskbell serve`.
// What an administrator edits while it runs is a setting, kept in the database.
import { emailPattern, userIdPattern, usernamePattern } from './areas/users/account-rules.ts'
import { closestOf } from './closest.ts'
import { parseMailbox } from './mail/address.ts'

const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

export type LogLevel = (typeof logLevels)[number]

export type Config = {
  http: { host: string; port: number; trustProxyHops: number; rateLimits: boolean }
  dataDir: string
  /** Without a url: SQLite in the data folder. */
  database: { url?: string }
  /** Without a slash at the end. */
  siteUrl?: string
  /** Absent: this process is the only one. */
  redisUrl?: string
  /** Without an smtpUrl no letter is sent. `from` is `address` or `name <address>`. */
  mail: { smtpUrl?: string; from?: string }
  log: { level: LogLevel }
  /** Created at the first start of an empty database. */
  firstAdmin?: { username: string; password: string; email?: string; id?: string }
}

/** The flags of `deskbell serve`, as they were typed. */
export type Flags = { [Flag in FlagName]?: string }
type FlagName = 'host' | 'port' | 'data'

export type Environment = Readonly<Record<string, string | undefined>>

/** How a text becomes a value. `read` gives undefined for a text that is not `wanted`. */
type Kind<Value> = { type: string; wanted: string; read: (text: string) => Value | undefined }

type Variable = {
  kind: Kind<unknown>
  meaning: string
  /** As it would be written; absent: there is none. */
  default?: string
  flag?: FlagName
  /** The value may be, or contain, a password: no error may repeat it. */
  secret?: true
}

const variables = {
  DESKBELL_HOST: {
    kind: matching('address', 'a host name or an IP address', /^[\w.:%-]{1,255}$/),
    default: '127.0.0.1',
    flag: 'host',
    meaning: 'Address to listen on. `0.0.0.0` and `::` listen on every interface.',
  },
  DESKBELL_PORT: {
    kind: wholeNumber(0, 65_535),
    default: '3000',
    flag: 'port',
    meaning: 'Port to listen on. `0` takes a free one.',
  },
  DESKBELL_DATA_DIR: {
    kind: matching('folder', 'a path', /^[^\0]+$/),
    default: './data',
    flag: 'data',
    meaning: 'Folder of the database and the uploads. It is created when absent.',
  },
  DESKBELL_DATABASE_URL: {
    kind: {
      type: 'URL',
      wanted: 'a URL like postgres://user:password@host:5432/database (special characters in the password as %XX)',
      read: readDatabaseUrl,
    },
    secret: true,
    meaning: 'Postgres database to use. Absent: SQLite in the data folder.',
  },
  DESKBELL_REDIS_URL: {
    kind: {
      type: 'URL',
      wanted: 'a URL like redis://user:password@host:6379 (or rediss://)',
      read: readRedisUrl,
    },
    secret: true,
    meaning:
      'Redis through which several processes on one Postgres tell each other what happens. Nothing is kept there. Absent: this process is the only one.',
  },
  DESKBELL_SITE_URL: {
    kind: {
      type: 'URL',
      wanted: 'an http or https URL without password, query and fragment, like https://chat.example.org',
      read: readSiteUrl,
    },
    secret: true,
    meaning:
      'Where people reach this server; links are made from it. It wins over the setting `Site_Url`. Without either, no letter with a link is sent, and answers name the address under which the caller reached the server.',
  },
  DESKBELL_SMTP_URL: {
    kind: {
      type: 'URL',
      wanted:
        'a URL like smtp://user:password@mail.example.org:587 or smtps://… (special characters in the password as %XX)',
      read: readSmtpUrl,
    },
    secret: true,
    meaning:
      'Mail server that letters are handed to. `smtps` speaks TLS from the first byte (port 465), `smtp` as soon as the server offers it (port 587). The settings `SMTP_*` show it, without its password. Absent: letters are not sent, and the log says so.',
  },
  DESKBELL_MAIL_FROM: {
    kind: {
      type: 'address',
      wanted: 'an e-mail address like desk@example.org or Help desk <desk@example.org>',
      read: readMailFrom,
    },
    meaning: 'Sender of every letter. It wins over the setting `From_Email`.',
  },
  DESKBELL_LOG_LEVEL: {
    kind: oneOf(logLevels),
    default: 'info',
    meaning: 'The least important log lines to write.',
  },
  DESKBELL_TRUST_PROXY: {
    kind: wholeNumber(0, 100),
    default: '0',
    meaning:
      'Number of reverse proxies in front of the server whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` are believed. `0` believes nobody and takes the address of the connection.',
  },
  DESKBELL_RATE_LIMITS: {
    kind: { ...oneOf(['on', 'off']), read: readSwitch },
    default: 'on',
    meaning: 'Limits of requests per visitor, user and address. `off` is for load tests only.',
  },
  DESKBELL_ADMIN_USERNAME: {
    kind: matching('text', 'letters, digits, dots, dashes and underscores', usernamePattern),
    meaning:
      'First administrator, created when the database is empty. Absent: the server prints a link, valid once, to create one.',
  },
  DESKBELL_ADMIN_PASSWORD: {
    kind: matching('text', 'a password of 1 to 1024 characters', /^[^\0]{1,1024}$/su),
    secret: true,
    meaning: 'Password of the first administrator. There is no default.',
  },
  DESKBELL_ADMIN_EMAIL: {
    kind: matching('text', 'an e-mail address', emailPattern),
    meaning: 'E-mail address of the first administrator.',
  },
  DESKBELL_ADMIN_ID: {
    kind: matching('text', 'letters, digits, dots, dashes and underscores (64 at most)', userIdPattern),
    meaning: 'Id of the first administrator, for tests and scripts that need to know it. Absent: a new one.',
  },
} satisfies Record<string, Variable>

type VariableName = keyof typeof variables
type ValueOf<Entry> = Entry extends { kind: Kind<infer Value> }
  ? Entry extends { default: string }
    ? NonNullable<Value>
    : NonNullable<Value> | undefined
  : never
type Values = { [Name in VariableName]: ValueOf<(typeof variables)[Name]> }

const names = Object.keys(variables) as VariableName[]

/** Everything that is wrong with the configuration, at once. No text of it repeats a secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const title =
      problems.length === 1 ? 'The configuration is wrong:' : 'The configuration is wrong in several places:'
    super([title, ...problems.map((problem) => `- ${problem}`)].join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The environment of this process. Nobody else reads it. */
export function environment(): Environment {
  return process.env
}

/**
 * What the server shall run with: flags over environment over defaults. An empty variable counts as absent.
 * Throws ConfigError with every problem: unknown DESKBELL_* names (DESKBELL_TEST_* is free for tests), bad values,
 * and an administrator who is only half described.
 */
export function readConfig(environment: Environment, flags: Flags): Config {
  const problems: string[] = []
  const values = Object.fromEntries(
    names.map((name) => [name, readVariable(variables[name], given(name, environment, flags), problems)]),
  ) as Values
  problems.push(...unknownNames(environment), ...halfAdmin(environment))
  if (problems.length > 0) throw new ConfigError(problems)
  return grouped(values)
}

/** docs/configuration.md, made from the same table that readConfig reads. */
export function configurationPage(): string {
  const rows = names.map((name) => {
    const { kind, meaning, ...rest }: Variable = variables[name]
    const flag = rest.flag === undefined ? '' : `\`--${rest.flag}\``
    const fallback = rest.default === undefined ? '' : `\`${rest.default}\``
    return `| \`${name}\` | ${flag} | ${kind.type} | ${fallback} | ${meaning} |`
  })
  return [
    '# Configuration',
    '',
    '<!-- Made from packages/server/src/config.ts by `npm run openapi`. Do not edit. -->',
    '',
    'The server reads these names from its environment when it starts. A flag of `deskbell serve` wins over the environment,',
    'the environment wins over the default, and an empty value counts as absent. An unknown name that begins with `DESKBELL_`',
    'stops the server, so that a typing mistake is noticed; names that begin with `DESKBELL_TEST_` are left to tests.',
    'Everything else (business rules, texts, limits) is a setting that administrators change while the server runs.',
    '',
    '| Name | Flag | Type | Default | Meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** One line of help for each flag, with the variable that means the same and the default. */
export function flagLines(): string[] {
  return names.flatMap((name) => {
    const { kind, meaning, ...rest }: Variable = variables[name]
    if (rest.flag === undefined) return []
    const usage = `--${rest.flag} <${kind.type}>`.padEnd(20)
    const fallback = rest.default === undefined ? '' : `, default ${rest.default}`
    return [`  ${usage} ${meaning.replaceAll('`', '')} (${name}${fallback})`]
  })
}

type Given = { text: string | undefined; source: string }

function given(name: VariableName, environment: Environment, flags: Flags): Given {
  const { flag }: Variable = variables[name]
  const typed = flag === undefined ? undefined : flags[flag]
  if (typed !== undefined) return { text: typed, source: `--${String(flag)}` }
  return { text: environment[name] === '' ? undefined : environment[name], source: name }
}

function readVariable(variable: Variable, { text, source }: Given, problems: string[]): unknown {
  const written = text ?? variable.default
  if (written === undefined) return undefined
  const value = variable.kind.read(written)
  if (value !== undefined) return value
  const found = variable.secret === true ? '' : `, not ${JSON.stringify(written.slice(0, 80))}`
  problems.push(`${source} must be ${variable.kind.wanted}${found}`)
  return undefined
}

function unknownNames(environment: Environment): string[] {
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith('DESKBELL_') && !name.startsWith('DESKBELL_TEST_'))
    .filter((name) => !Object.hasOwn(variables, name))
  if (unknown.length === 0) return []
  const lines = unknown.map((name) => {
    const meant = closestOf(
      name.slice('DESKBELL_'.length),
      names.map((known) => known.slice('DESKBELL_'.length)),
    )
    return meant === undefined ? `${name} is unknown` : `${name} is unknown; did you mean DESKBELL_${meant}?`
  })
  return [...lines, `The known names are ${names.join(', ')}`]
}

function halfAdmin(environment: Environment): string[] {
  const has = (part: string): boolean => (environment[`DESKBELL_ADMIN_${part}`] ?? '') !== ''
  if (has('USERNAME')) return has('PASSWORD') ? [] : ['DESKBELL_ADMIN_USERNAME needs DESKBELL_ADMIN_PASSWORD']
  return ['PASSWORD', 'EMAIL', 'ID'].filter(has).map((part) => `DESKBELL_ADMIN_${part} needs DESKBELL_ADMIN_USERNAME`)
}

function grouped(values: Values): Config {
  const { DESKBELL_DATABASE_URL: url, DESKBELL_SITE_URL: siteUrl, DESKBELL_REDIS_URL: redisUrl } = values
  const firstAdmin = groupedAdmin(values)
  return {
    http: {
      host: values.DESKBELL_HOST,
      port: values.DESKBELL_PORT,
      trustProxyHops: values.DESKBELL_TRUST_PROXY,
      rateLimits: values.DESKBELL_RATE_LIMITS,
    },
    dataDir: values.DESKBELL_DATA_DIR,
    database: url === undefined ? {} : { url },
    ...(siteUrl !== undefined && { siteUrl }),
    ...(redisUrl !== undefined && { redisUrl }),
    mail: groupedMail(values),
    log: { level: values.DESKBELL_LOG_LEVEL },
    ...(firstAdmin !== undefined && { firstAdmin }),
  }
}

function groupedMail({ DESKBELL_SMTP_URL: smtpUrl, DESKBELL_MAIL_FROM: from }: Values): Config['mail'] {
  return { ...(smtpUrl !== undefined && { smtpUrl }), ...(from !== undefined && { from }) }
}

function groupedAdmin(values: Values): Config['firstAdmin'] {
  const { DESKBELL_ADMIN_USERNAME: username, DESKBELL_ADMIN_PASSWORD: password } = values
  const { DESKBELL_ADMIN_EMAIL: email, DESKBELL_ADMIN_ID: id } = values
  if (username === undefined || password === undefined) return undefined
  return { username, password, ...(email !== undefined && { email }), ...(id !== undefined && { id }) }
}

function matching(type: string, wanted: string, pattern: RegExp): Kind<string> {
  return { type, wanted, read: (text) => (pattern.test(text) ? text : undefined) }
}

function wholeNumber(least: number, most: number): Kind<number> {
  return {
    type: 'number',
    wanted: `a whole number from ${least} to ${most}`,
    read: (text) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
      return value >= least && value <= most ? value : undefined
    },
  }
}

function oneOf<Word extends string>(words: readonly Word[]): Kind<Word> {
  return {
    type: words.map((word) => `\`${word}\``).join(', '),
    wanted: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
  }
}

function readSwitch(text: string): boolean | undefined {
  return text === 'on' ? true : text === 'off' ? false : undefined
}

function readDatabaseUrl(text: string): string | undefined {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'postgres:' || protocol === 'postgresql:' ? text : undefined
}

function readRedisUrl(text: string): string | undefined {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'redis:' || protocol === 'rediss:' ? text : undefined
}

/** The address of a site, without a slash at the end; `undefined` for what is none. */
export function readSiteUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

function readSmtpUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') return undefined
  const isBare = ['', '/'].includes(url.pathname) && url.search === '' && url.hash === ''
  return isBare && isDecodable(url.username) && isDecodable(url.password) ? text : undefined
}

function isDecodable(text: string): boolean {
  try {
    return typeof decodeURIComponent(text) === 'string'
  } catch {
    return false
  }
}

function readMailFrom(text: string): string | undefined {
  return parseMailbox(text) === undefined ? undefined : text
}
