import { describe, expect, test } from 'vitest'
import { readCommandLine } from './command-line.ts'

function read(line: string): ReturnType<typeof readCommandLine> {
  return readCommandLine(line.split(' ').filter((word) => word !== ''))
}

function messageOf(line: string): string[] {
  const result = read(line)
  return result.command === 'wrong' ? result.message.split('\n') : []
}

describe('deskbell serve', () => {
  test('takes host, port and data folder as they were typed, and nothing by default', () => {
    expect(read('serve')).toEqual({ command: 'serve', flags: {} })
    expect(read('serve --host ::1 --port=0 --data /srv/desk')).toEqual({
      command: 'serve',
      flags: { host: '::1', port: '0', data: '/srv/desk' },
    })
  })

  test('tells every mistake at once', () => {
    expect(messageOf('serve now --prot 1 --host --data=a --data b')).toEqual([
      'deskbell: "now" is one word too many',
      'deskbell: there is no option --prot; did you mean --port?',
      'deskbell: --host needs a value',
      'deskbell: --data is given twice',
      'See deskbell serve --help',
    ])
  })

  test('a value may begin with a dash after an equals sign only', () => {
    expect(messageOf('serve --port --host x')).toEqual(['deskbell: --port needs a value', 'See deskbell serve --help'])
    expect(read('serve --port=-1')).toEqual({ command: 'serve', flags: { port: '-1' } })
  })

  test('a name that every object has is no option', () => {
    expect(messageOf('serve --constructor x')[0]).toBe('deskbell: there is no option --constructor')
  })
})

describe('deskbell user create', () => {
  const line = 'user create --username ada --email ada@example.org --name Ada'

  test('takes a user with one role or several', () => {
    const user = { username: 'ada', name: 'Ada', email: 'ada@example.org' }
    expect(read(`${line} --role livechat-agent`)).toEqual({
      command: 'user-create',
      user: { ...user, roles: ['livechat-agent'] },
      flags: {},
    })
    expect(read(`${line} --role admin,user --role user --role livechat-manager --id a1 --data there`)).toEqual({
      command: 'user-create',
      user: { ...user, roles: ['admin', 'user', 'livechat-manager'], id: 'a1' },
      flags: { data: 'there' },
    })
  })

  test('names everything that is missing', () => {
    expect(messageOf('user create --name= --role ,')).toEqual([
      'deskbell: --username is missing',
      'deskbell: --name is missing',
      'deskbell: --email is missing',
      'deskbell: --role is missing',
      'See deskbell user create --help',
    ])
  })

  test('takes no password on the command line, where other users of the machine would see it', () => {
    expect(messageOf(`${line} --role admin --password=hunter2`)).toEqual([
      'deskbell: there is no option --password',
      'See deskbell user create --help',
    ])
  })
})

describe('help and mistakes', () => {
  test.each([
    ['', 'Usage: deskbell <command>'],
    ['--help', 'Usage: deskbell <command>'],
    ['-h', 'Usage: deskbell <command>'],
    ['user --help', 'Usage: deskbell <command>'],
    ['serve --help', 'Usage: deskbell serve'],
    ['serve --prot 1 -h', 'Usage: deskbell serve'],
    ['user create --help', 'Usage: deskbell user create'],
    ['doctor --help', 'Usage: deskbell doctor'],
  ])('`deskbell %s` shows the help with "%s"', (line, usage) => {
    const result = read(line)
    expect(result.command === 'help' && result.text).toContain(usage)
  })

  test('the help of serve names each flag, the variable that means the same, and the default', () => {
    const result = read('serve --help')
    expect(result.command === 'help' && result.text).toMatch(/--port <number> .*\(DESKBELL_PORT, default 3000\)/)
  })

  test('--version asks for the version', () => {
    expect(read('--version')).toEqual({ command: 'version' })
  })

  test('doctor takes a data folder', () => {
    expect(read('doctor --data there')).toEqual({ command: 'doctor', flags: { data: 'there' } })
  })

  test.each([
    ['srve', 'there is no command "srve"; did you mean "serve"?'],
    ['user', 'there is no command "user"; did you mean "user create"?'],
    ['user crate --name x', 'there is no command "user crate"; did you mean "user create"?'],
    ['dance', 'there is no command "dance"'],
    ['--versoin', 'there is no option --versoin; did you mean --version?'],
  ])('`deskbell %s` is wrong: %s', (line, problem) => {
    expect(messageOf(line)).toEqual([`deskbell: ${problem}`, 'See deskbell --help'])
  })
})
