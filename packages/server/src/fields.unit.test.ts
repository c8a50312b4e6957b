import { expect, test } from 'vitest'
import { project, readFields, type Fields } from './fields.ts'

const ann = {
  _id: 'u1',
  name: 'Ann',
  v: { _id: 'v1', status: 'online', more: { deep: 1, deeper: 2 } },
  emails: [
    { address: 'a@example.org', verified: true },
    { address: 'b@example.org', verified: false },
  ],
}

test.each<[string, Fields, unknown]>([
  ['nothing asked for shows all', {}, ann],
  ['what is named, and the id', { name: 1 }, { _id: 'u1', name: 'Ann' }],
  ['without the id where that is left out', { name: 1, _id: 0 }, { name: 'Ann' }],
  ['the id alone', { _id: 1 }, { _id: 'u1' }],
  ['a part of a part', { 'v.status': 1 }, { _id: 'u1', v: { status: 'online' } }],
  ['two parts of a part', { 'v.status': 1, 'v.more.deep': 1, _id: 0 }, { v: { status: 'online', more: { deep: 1 } } }],
  [
    'a part of each of a list',
    { 'emails.address': 1, _id: 0 },
    { emails: [{ address: 'a@example.org' }, { address: 'b@example.org' }] },
  ],
  ['the whole where a part is named besides', { 'v.status': 1, v: 1, _id: 0 }, { v: ann.v }],
  ['nothing below what has no parts', { 'name.first': 1, _id: 0 }, { name: undefined }],
  ['what there is not is not shown', { secret: 1 }, { _id: 'u1' }],
  ['all but what is left out', { v: 0, emails: 0 }, { _id: 'u1', name: 'Ann' }],
  ['all but a part of a part', { 'v.more': 0, emails: 0, name: 0 }, { _id: 'u1', v: { _id: 'v1', status: 'online' } }],
  ['all but the id', { _id: 0, v: 0, emails: 0 }, { name: 'Ann' }],
  ['what to show decides where both are asked for', { name: 1, v: 0 }, { _id: 'u1', name: 'Ann' }],
])('%s', (_title, fields, shown) => {
  expect(project(ann, fields)).toEqual(shown)
})

test.each(['__proto__', 'constructor', 'toString', 'constructor.prototype', '__proto__.polluted'])(
  '%s shows and changes nothing',
  (path) => {
    const fields = readFields(`{"${path}":1}`)
    expect(JSON.stringify(project(ann, fields!))).toBe('{"_id":"u1"}')
    expect(JSON.stringify(project(ann, readFields(`{"${path}":0}`)!))).toBe(JSON.stringify(ann))
    expect({}).not.toHaveProperty('polluted')
  },
)

test.each(['', 'name', '[]', 'null', '1', '{"a":2}', '{"a":true}', '{"a":{"$slice":1}}'])(
  '%j is no projection',
  (text) => {
    expect(readFields(text)).toBeUndefined()
  },
)
