import { expect, test } from 'vitest'
import { imageSizeOf } from './image-size.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

const png = hex('89504e47 0d0a1a0a 0000000d 49484452 0000c350 0000c350 08060000 00')
const gif = hex('474946383961 2c01 c800 f70000')
const jpeg = hex('ffd8 ffe0 0004 0000 ffff ffc4 0003 00 ffc2 0011 08 00c8 012c 03')
const riff = (chunk: string) => Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBP'), hex(chunk), Buffer.alloc(20)])
const lossy = riff(`${Buffer.from('VP8 ').toString('hex')} 00000000 300100 9d012a 2c01 c800`)
const lossless = riff(`${Buffer.from('VP8L').toString('hex')} 00000000 2f 2bc13100`)
const extended = riff(`${Buffer.from('VP8X').toString('hex')} 0a000000 00000000 2b0100 c70000`)

test.each([
  ['image/png', png, { width: 50_000, height: 50_000 }],
  ['image/gif', gif, { width: 300, height: 200 }],
  ['image/jpeg', jpeg, { width: 300, height: 200 }],
  ['image/webp', lossy, { width: 300, height: 200 }],
  ['image/webp', lossless, { width: 300, height: 200 }],
  ['image/webp', extended, { width: 300, height: 200 }],
  ['image/tiff', png, undefined],
  ['constructor', png, undefined],
  ['image/webp', riff('00000000'), undefined],
  ['image/gif', hex('474946383961 0000 c800'), undefined],
])('the header of a %s says how large it is', (type, start, size) => {
  expect(imageSizeOf(type, start)).toEqual(size)
})

test.each([
  ['image/png', png],
  ['image/gif', gif],
  ['image/jpeg', jpeg],
  ['image/webp', lossless],
] as const)('a %s that is cut off says nothing, and breaks nothing', (type, whole) => {
  for (let length = 0; length < 10; length++) expect(imageSizeOf(type, whole.subarray(0, length))).toBeUndefined()
})

test('a JPEG of nothing but fill bytes, or of segments that go nowhere, is given up', () => {
  expect(imageSizeOf('image/jpeg', Buffer.concat([hex('ffd8'), Buffer.alloc(131_072, 0xff)]))).toBeUndefined()
  const empty = Buffer.concat([hex('ffd8'), ...Array.from({ length: 30_000 }, () => hex('ffe10000'))])
  expect(imageSizeOf('image/jpeg', empty)).toBeUndefined()
})
