import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isActive, isInert, isTypeAllowed, mediaTypeOf } from './media-type.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const png = hex('89504e47 0d0a1a0a 0000000d 49484452 00000001 00000001 08060000 00')
const jpeg = hex('ffd8ffe0 00104a46 49460001')
const webm = Buffer.concat([hex('1a45dfa3 9f4286810142f7810142f2810442f381084282847765626d')])
const zip = Buffer.concat([hex('504b0304 14000000 0800'), Buffer.alloc(100)])
const text = Buffer.from('just words')

describe('a file is', () => {
  test.each([
    ['what its magic says', png, 'image/png', 'image/png'],
    ['what its magic says, if nothing was claimed', png, 'application/octet-stream', 'image/png'],
    ['what its magic says, if the claim is no type', png, '../../etc/passwd', 'image/png'],
    ['the picture it is, claimed to be another', jpeg, 'image/png', 'image/jpeg'],
    ['of no known type, claimed to be a page', png, 'text/html', 'application/octet-stream'],
    ['of no known type, claimed to be a document', png, 'application/pdf', 'application/octet-stream'],
    ['a sound in a container that films use too', webm, 'audio/webm', 'audio/webm'],
    [
      'a document in an archive',
      zip,
      'application/vnd.oasis.opendocument.text',
      'application/vnd.oasis.opendocument.text',
    ],
    ['an archive', zip, 'application/zip', 'application/zip'],
    ['a text that nobody can hold against its claim', text, 'text/csv; charset=utf-8', 'text/csv'],
    ['data that are text', text, 'application/json', 'application/json'],
    ['of no known type, without the magic of its claim', text, 'image/png', 'application/octet-stream'],
    ['of no known type, without the magic of a film', text, 'video/mp4', 'application/octet-stream'],
    ['of no known type, claimed a text but binary', Buffer.from('a\0b'), 'text/plain', 'application/octet-stream'],
    ['a page, whatever it claims', Buffer.from(' \n<!DOCTYPE html><p>'), 'text/plain', 'text/html'],
    ['a page in UTF-16', Buffer.from('\ufeff<html><script>', 'utf16le'), 'text/plain', 'text/html'],
    ['a drawing, whatever it claims', Buffer.from('<svg onload="x">'), 'text/plain', 'image/svg+xml'],
    [
      'a drawing after a prolog',
      Buffer.from('<?xml version="1.0"?><!-- --><svg xmlns="x">'),
      'image/png',
      'image/svg+xml',
    ],
    ['a drawing with a prefix', Buffer.from('<?xml version="1.0"?><s:svg xmlns:s="x">'), 'text/xml', 'image/svg+xml'],
    ['markup', Buffer.from('<?xml version="1.0"?><feed>'), 'application/atom+xml', 'application/atom+xml'],
  ])('%s', async (_title, start, declared, type) => {
    expect(await mediaTypeOf(start, declared)).toBe(type)
  })

  test('found out about without unpacking it', async () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000))
    const name = '[Content_Types].xml'
    const head = Buffer.alloc(30)
    head.write('PK\x03\x04', 'latin1')
    head.writeUInt16LE(8, 8)
    head.writeUInt32LE(bomb.length, 18)
    head.writeUInt32LE(50_000_000, 22)
    head.writeUInt16LE(name.length, 26)
    const before = process.memoryUsage().arrayBuffers
    expect(await mediaTypeOf(Buffer.concat([head, Buffer.from(name), bomb]), 'application/zip')).toBe('application/zip')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
  })

  test.each(['89504e47', 'ffd8ff', '504b0304', '1a45dfa3', '52494646', '25504446', '00000020667479706d703432'])(
    'found out about without a fault, cut off anywhere: %s',
    async (magic) => {
      const whole = Buffer.concat([hex(magic), Buffer.alloc(300, 0xff)])
      for (let length = 0; length < whole.length; length += 7)
        expect(await mediaTypeOf(whole.subarray(0, length), 'image/png')).toMatch(/^[\w.+-]+\/[\w.+-]+$/)
    },
  )
})

test.each([
  ['image/png', 'image/png', '', '', true],
  ['image/png', 'image/png', 'image/*', '', true],
  ['image/png', 'image/png', 'audio/*, image/png ', '', true],
  ['text/plain', 'image/png', 'image/*', '', false],
  ['image/png', 'image/png', '', 'image/png', false],
  ['image/jpeg', 'image/png', '', 'image/png', false],
  ['image/svg+xml', 'text/plain', '', 'image/svg+xml', false],
  ['image/png', 'image/png', '*/*', 'image/svg+xml', true],
  ['imagex/png', 'imagex/png', 'image/*', '', false],
])(
  '%s, claimed to be %s, with white list "%s" and black list "%s": %s',
  (...[type, declared, white, black, allowed]) => {
    expect(isTypeAllowed(type, declared, { whiteList: white, blackList: black })).toBe(allowed)
  },
)

test('nothing that can run counts as inert', () => {
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/javascript',
    'application/xml',
    'text/css',
    'text/xsl',
  ]) {
    expect(isInert(type)).toBe(false)
    expect(isActive(type)).toBe(true)
  }
  for (const type of ['image/png', 'video/mp4', 'audio/mpeg'])
    expect([isInert(type), isActive(type)]).toEqual([true, false])
  for (const type of ['application/pdf', 'text/plain', 'application/octet-stream']) expect(isInert(type)).toBe(false)
})
