import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Static } from 'typebox'
import type { Agent } from '@deskbell/contract/entities/user.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

interface Answer {
  status: number
  body: { users: Static<typeof Agent>[]; count: number; offset: number; total: number; errorType?: string }
}

const list = (type: string, query: Record<string, string>, by: StaffMember): Promise<Answer> =>
  by.raw('GET /livechat/users/:type', { params: { type }, query })
const usernames = (answer: Pick<Answer, 'body'>) => answer.body.users.map(({ username }) => username)
const forbidden = { status: 403, body: { success: false, error: 'unauthorized' } }

let office: TestServer
let chief: StaffMember
let away: StaffMember
beforeAll(async () => {
  office = await startTestServer()
  chief = await office.staff({ username: 'chief', roles: ['user', 'admin', 'livechat-manager'] })
  await office.agent({ username: 'zora', name: 'Anna 100%' })
  away = await office.staff({ username: 'away', name: 'Émile', roles: ['user', 'livechat-agent'] })
  await office.staff({ username: 'robot', name: 'bot_1', roles: ['bot', 'livechat-agent'] })
  await office.staff({ username: 'nobody-special' })
})
afterAll(() => office.stop())
const agents = (query: Record<string, string> = {}, by = chief) => list('agent', query, by)

describe('listing agents and managers', () => {
  test('is sorted by name and says of everybody what managers need', async () => {
    const { body } = await agents()
    expect(usernames({ body })).toEqual(['zora', 'robot', 'away'])
    expect(body).toMatchObject({ count: 3, offset: 0, total: 3 })
    expect(body.users[0]).toEqual({
      _id: expect.any(String) as string,
      username: 'zora',
      name: 'Anna 100%',
      status: 'online',
      statusLivechat: 'available',
      emails: [{ address: 'zora@example.org', verified: false }],
      departments: [],
    })
    expect(usernames(await list('manager', {}, chief))).toEqual(['chief'])
  })

  test('comes in pages, sorted as asked', async () => {
    const page = await agents({ sort: '{"username":-1}', count: '1', offset: '1' })
    expect(usernames(page)).toEqual(['robot'])
    expect(page.body).toMatchObject({ count: 1, offset: 1, total: 3 })
    expect(usernames(await agents({ sort: '{"statusLivechat":1,"username":1}' }))).toEqual(['zora', 'away', 'robot'])
    expect(usernames(await list('manager', { sort: '{"statusLivechat":-1}' }, chief))).toEqual(['chief'])
    expect((await agents({ sort: '{"name":"up"}' })).body.errorType).toBe('error-invalid-sort')
    expect((await agents({ fields: '1' })).body.errorType).toBe('error-invalid-fields')
    expect((await agents({ query: '1' })).body.errorType).toBe('error-invalid-query')
    expect((await agents({ count: 'x' })).body.errorType).toBe('invalid-params')
  })

  test('finds a part of the username, the name or the address, whatever the case', async () => {
    expect(usernames(await agents({ text: 'ZOR' }))).toEqual(['zora'])
    expect(usernames(await agents({ text: 'éMIL' }))).toEqual(['away'])
    expect(usernames(await agents({ text: 'away@Example' }))).toEqual(['away'])
    expect(usernames(await list('manager', { text: 'nothing' }, chief))).toEqual([])
  })

  test('signs that mean something to a database mean themselves', async () => {
    expect(usernames(await agents({ text: '0%' }))).toEqual(['zora'])
    expect(usernames(await agents({ text: 't_1' }))).toEqual(['robot'])
    for (const text of ['%', '_', '!', "' or 1=1 --", '\\'])
      expect(usernames(await agents({ text })), text).toEqual(text === '%' ? ['zora'] : text === '_' ? ['robot'] : [])
  })

  test('leaves out whom it is asked to', async () => {
    expect(usernames(await agents({ onlyAvailable: 'true' }))).toEqual(['zora'])
    expect(usernames(await agents({ onlyAvailable: 'false' }))).toHaveLength(3)
    expect(usernames(await agents({ excludeId: away.id }))).toEqual(['zora', 'robot'])
    expect(usernames(await agents({ showIdleAgents: 'false' }))).toEqual(['zora', 'robot'])
    expect(usernames(await agents({ showIdleAgents: 'true' }))).toHaveLength(3)
  })

  test('agents see agents, and only those who direct them see managers', async () => {
    expect(usernames(await agents({}, away))).toHaveLength(3)
    expect(await list('manager', {}, away)).toMatchObject(forbidden)
    const person = await office.staff()
    expect(await agents({}, person)).toMatchObject(forbidden)
    const monitor = await office.staff({ roles: ['user', 'livechat-monitor'] })
    expect(usernames(await list('manager', {}, monitor))).toEqual(['chief'])
    expect((await agents({}, monitor)).status).toBe(200)
    expect(await list('emperor', {}, chief)).toMatchObject({
      status: 400,
      body: { success: false, error: 'Invalid type' },
    })
  })
})
