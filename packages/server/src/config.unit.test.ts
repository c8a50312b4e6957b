import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Environment, Flags } from './config.ts'
import { ConfigError, configurationPage, readConfig } from './config.ts'

function problemsOf(environment: Environment, flags: Flags = {}): readonly string[] {
  try {
    readConfig(environment, flags)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('what a server runs with', () => {
  test('an empty environment gives a loopback server on SQLite in ./data', () => {
    expect(readConfig({}, {})).toEqual({
      http: { host: '127.0.0.1', port: 3000, trustProxyHops: 0, rateLimits: true },
      dataDir: './data',
      database: {},
      mail: {},
      log: { level: 'info' },
    })
  })

  test('every variable arrives in its place', () => {
    const config = readConfig(
      {
        DESKBELL_HOST: '::',
        DESKBELL_PORT: '0',
        DESKBELL_DATA_DIR: '/srv/deskbell',
        DESKBELL_DATABASE_URL: 'postgres://deskbell:pa%20ss@db:5432/deskbell',
        DESKBELL_SITE_URL: 'https://chat.example.org/desk/',
        DESKBELL_SMTP_URL: 'smtps://desk:pa%20ss@mail.example.org',
        DESKBELL_MAIL_FROM: 'Help desk <desk@example.org>',
        DESKBELL_LOG_LEVEL: 'warn',
        DESKBELL_TRUST_PROXY: '2',
        DESKBELL_RATE_LIMITS: 'off',
        DESKBELL_ADMIN_USERNAME: 'ada',
        DESKBELL_ADMIN_PASSWORD: ' a b ',
        DESKBELL_ADMIN_EMAIL: 'ada@example.org',
        DESKBELL_ADMIN_ID: 'rocketchat.internal-admin_1',
      },
      {},
    )
    expect(config).toEqual({
      http: { host: '::', port: 0, trustProxyHops: 2, rateLimits: false },
      dataDir: '/srv/deskbell',
      database: { url: 'postgres://deskbell:pa%20ss@db:5432/deskbell' },
      siteUrl: 'https://chat.example.org/desk',
      mail: { smtpUrl: 'smtps://desk:pa%20ss@mail.example.org', from: 'Help desk <desk@example.org>' },
      log: { level: 'warn' },
      firstAdmin: { username: 'ada', password: ' a b ', email: 'ada@example.org', id: 'rocketchat.internal-admin_1' },
    })
  })

  test('a flag wins over the environment', () => {
    const environment = { DESKBELL_HOST: '10.0.0.1', DESKBELL_PORT: '1', DESKBELL_DATA_DIR: 'here' }
    const { http, dataDir } = readConfig(environment, { host: 'localhost', port: '8080', data: 'there' })
    expect({ ...http, dataDir }).toMatchObject({ host: 'localhost', port: 8080, dataDir: 'there' })
  })

  test('an empty variable counts as absent', () => {
    expect(readConfig({ DESKBELL_PORT: '', DESKBELL_DATABASE_URL: '', DESKBELL_ADMIN_PASSWORD: '' }, {})).toEqual(
      readConfig({}, {}),
    )
  })

  test('names of other programs and of tests are nobody’s business', () => {
    expect(problemsOf({ PATH: '/bin', PORT: 'x', DESKBELL_TEST_ENGINE: 'sqlite' })).toEqual([])
  })
})

describe('what is refused', () => {
  test('every problem is told at once', () => {
    const problems = problemsOf(
      { DESKBELL_PROT: '1', DESKBELL_LOG_LEVEL: 'loud', DESKBELL_TRUST_PROXY: '-1', DESKBELL_ADMIN_EMAIL: 'a@b' },
      { port: '65536' },
    )
    expect(problems).toEqual([
      '--port must be a whole number from 0 to 65535, not "65536"',
      'DESKBELL_LOG_LEVEL must be one of silent, fatal, error, warn, info, debug, trace, not "loud"',
      'DESKBELL_TRUST_PROXY must be a whole number from 0 to 100, not "-1"',
      'DESKBELL_PROT is unknown; did you mean DESKBELL_PORT?',
      expect.stringMatching(/^The known names are DESKBELL_HOST, .*, DESKBELL_ADMIN_ID$/),
      'DESKBELL_ADMIN_EMAIL needs DESKBELL_ADMIN_USERNAME',
    ])
  })

  test.each([
    ['DESKBELL_DATABSE_URL', 'DESKBELL_DATABASE_URL'],
    ['DESKBELL_RATE_LIMIT', 'DESKBELL_RATE_LIMITS'],
    ['DESKBELL_DATADIR', 'DESKBELL_DATA_DIR'],
  ])('%s is unknown and probably meant %s', (typed, meant) => {
    expect(problemsOf({ [typed]: 'x' })[0]).toBe(`${typed} is unknown; did you mean ${meant}?`)
  })

  test('an unknown name that resembles nothing gets no guess', () => {
    expect(problemsOf({ DESKBELL_COLOUR_OF_THE_SKY: 'x' })[0]).toBe('DESKBELL_COLOUR_OF_THE_SKY is unknown')
  })

  test('a name inherited by every object is unknown too', () => {
    expect(problemsOf({ DESKBELL_: 'x' })[0]).toBe('DESKBELL_ is unknown')
  })

  test.each([
    ['DESKBELL_HOST', 'http://127.0.0.1'],
    ['DESKBELL_PORT', ' 3000'],
    ['DESKBELL_PORT', '3e3'],
    ['DESKBELL_DATABASE_URL', 'mysql://localhost/deskbell'],
    ['DESKBELL_DATABASE_URL', 'localhost:5432'],
    ['DESKBELL_SITE_URL', 'chat.example.org'],
    ['DESKBELL_SITE_URL', 'https://chat.example.org/?a=b'],
    ['DESKBELL_SITE_URL', 'javascript:alert(1)'],
    ['DESKBELL_SMTP_URL', 'mail.example.org:25'],
    ['DESKBELL_SMTP_URL', 'https://mail.example.org'],
    ['DESKBELL_SMTP_URL', 'smtp://mail.example.org/?tls=off'],
    ['DESKBELL_SMTP_URL', 'smtp://desk:100%@mail.example.org'],
    ['DESKBELL_MAIL_FROM', 'desk'],
    ['DESKBELL_MAIL_FROM', 'a@example.org, b@example.org'],
    ['DESKBELL_LOG_LEVEL', 'INFO'],
    ['DESKBELL_TRUST_PROXY', 'true'],
    ['DESKBELL_RATE_LIMITS', 'no'],
  ])('%s=%s is a bad value', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name} must be `)])
  })

  test.each(['..', '.ada', 'a/b', 'x'.repeat(65)])('%s is no id for an administrator', (id) => {
    const administrator = { DESKBELL_ADMIN_USERNAME: 'ada', DESKBELL_ADMIN_PASSWORD: 'secret' }
    expect(problemsOf({ ...administrator, DESKBELL_ADMIN_ID: id })).toEqual([
      expect.stringMatching(/^DESKBELL_ADMIN_ID must be /),
    ])
  })

  test.each([
    [{ DESKBELL_ADMIN_USERNAME: 'ada' }, ['DESKBELL_ADMIN_USERNAME needs DESKBELL_ADMIN_PASSWORD']],
    [{ DESKBELL_ADMIN_PASSWORD: 'secret' }, ['DESKBELL_ADMIN_PASSWORD needs DESKBELL_ADMIN_USERNAME']],
    [
      { DESKBELL_ADMIN_ID: 'ada1', DESKBELL_ADMIN_EMAIL: 'ada@example.org' },
      ['DESKBELL_ADMIN_EMAIL needs DESKBELL_ADMIN_USERNAME', 'DESKBELL_ADMIN_ID needs DESKBELL_ADMIN_USERNAME'],
    ],
  ])('an administrator who is only half described is refused: %o', (environment, problems) => {
    expect(problemsOf(environment)).toEqual(problems)
  })

  test('no secret is repeated in an error', () => {
    const secret = 'tr0ub4dor'
    const environment = {
      DESKBELL_DATABASE_URL: `mysql://root:${secret}@db/deskbell`,
      DESKBELL_SITE_URL: `https://admin:${secret}@chat.example.org`,
      DESKBELL_SMTP_URL: `smtp://desk:${secret}@mail/?pool`,
      DESKBELL_ADMIN_PASSWORD: `${secret}\0`,
      DESKBELL_ADMIN_PASSWROD: secret,
    }
    const problems = problemsOf(environment)
    expect(problems).toHaveLength(7)
    expect(new ConfigError(problems).message).not.toContain(secret)
  })

  test('whatever the environment holds, either a server can run with it or every problem is named', () => {
    const names = [
      'DESKBELL_HOST',
      'DESKBELL_PORT',
      'DESKBELL_SITE_URL',
      'DESKBELL_DATABASE_URL',
      'DESKBELL_TRUST_PROXY',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), (environment) => {
        const problems = problemsOf(environment)
        if (problems.length > 0) return
        const { http } = readConfig(environment, {})
        expect(Number.isInteger(http.port) && http.port >= 0 && http.port <= 65_535).toBe(true)
        expect(http.host).not.toBe('')
      }),
    )
  })
})

test('the page for docs/configuration.md has a row for every known name, with flag and default', () => {
  const page = configurationPage()
  const known =
    problemsOf({ DESKBELL_X: '' })
      .at(-1)
      ?.match(/DESKBELL_\w+/g) ?? []
  expect(known).toHaveLength(15)
  for (const name of known) expect(page).toContain(`\n| \`${name}\` | `)
  expect(page).toContain('| `DESKBELL_PORT` | `--port` | number | `3000` | Port to listen on.')
})
