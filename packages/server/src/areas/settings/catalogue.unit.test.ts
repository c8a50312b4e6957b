import { describe, expect, test } from 'vitest'
import { settings, type SettingDefinition, type SettingType } from './catalogue.ts'

const definitions: [string, SettingDefinition][] = Object.entries(settings)

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

const fits: Record<SettingType, (value: unknown) => boolean> = {
  boolean: (value) => typeof value === 'boolean',
  int: (value) => Number.isSafeInteger(value),
  string: isText,
  password: isText,
  timezone: isText,
  select: isText,
  color: (value) => isText(value) && /^#[0-9A-F]{6}$/.test(String(value)),
  multiSelect: (value) => Array.isArray(value) && value.every(isText),
  asset: (value) => typeof value === 'object' && !Array.isArray(value),
}

describe('the catalogue of settings', () => {
  test('a default is a value of its own type', () => {
    expect(definitions.filter(([, { type, default: value }]) => !fits[type](value))).toEqual([])
  })

  test('a select starts with something it offers', () => {
    const offered = ({ default: value, values }: SettingDefinition) =>
      (Array.isArray(value) ? value : [value]).every((one) => values?.includes(String(one)))
    const selects = definitions.filter(([, { type }]) => type === 'select' || type === 'multiSelect')
    expect(selects.filter(([, definition]) => !offered(definition))).toEqual([])
  })

  test('nothing secret or hidden is told to the public, and every password is secret', () => {
    const leaks = ({ type, public: isPublic, secret, hidden }: SettingDefinition) =>
      (isPublic && (secret ?? hidden ?? false)) || (type === 'password' && secret !== true)
    expect(definitions.filter(([, definition]) => leaks(definition))).toEqual([])
  })
})

describe('the patterns that find leads', () => {
  const email = new RegExp(settings.Livechat_lead_email_regex.default, 'gi')
  const phone = new RegExp(settings.Livechat_lead_phone_regex.default, 'gi')

  test.each([
    ['write to Ada.Lovelace+x@mail.example.org, please', ['Ada.Lovelace+x@mail.example.org']],
    ['a@b.co or c@d.info', ['a@b.co', 'c@d.info']],
    ['a@b.museum', null],
    ['me@localhost', null],
  ])('e-mail addresses with an ending of two to four letters: %s', (text, found) => {
    expect(text.match(email)).toEqual(found)
  })

  test.each([
    ['call 2345-6789 today', ['2345-6789']],
    ['(11) 91234-5678', ['(11) 91234-5678']],
    ['11 91234 5678', ['11 91234 5678']],
    ['1234567', null],
    ['order 123456789012345', null],
  ])('phone numbers of eight to eleven digits: %s', (text, found) => {
    expect(text.match(phone)?.map((one) => one.trim()) ?? null).toEqual(found)
  })
})
