import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  closeByVisitor,
  errorTypeOf,
  openChat,
  refusal,
  roomOf,
  roomSeenBy,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let chat: Chat

beforeAll(async () => {
  desk = await startTestServer()
  await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())
beforeEach(async () => void (chat = await openChat(desk)))

const good = { name: 'satisfaction', value: '5' }
const rate = (data: unknown, at: { rid: string; token: string } = chat) =>
  desk.anyone.raw('POST /livechat/room.survey', { body: { rid: at.rid, token: at.token, data } })

describe('a visitor rates a conversation', () => {
  test('while it is open and after it, and is told what was kept', async () => {
    const data = [good, { name: 'agentResposiveness', value: '1' }, { name: 'additionalFeedback', value: 'Fast!' }]
    const kept = { satisfaction: '5', agentResposiveness: '1', additionalFeedback: 'Fast!' }
    expect(refusal(await rate(data))).toEqual([200, { rid: chat.rid, data: kept, success: true }])
    expect((await roomOf(desk, chat)).surveyFeedback).toEqual(kept)
    await closeByVisitor(desk, chat)
    expect((await rate([{ name: 'agentKnowledge', value: '3' }])).status).toBe(200)
    expect((await roomSeenBy(manager, chat.rid)).surveyFeedback).toEqual({ agentKnowledge: '3' })
  })

  test('by the questions and the values of the survey, and nothing else', async () => {
    const odd = [
      { name: 'satisfaction', value: '6' },
      { name: 'agentKnowledge', value: '05' },
      { name: '__proto__', value: '5' },
      { name: 'servedBy', value: '5' },
    ]
    expect((await rate([...odd, good])).body).toMatchObject({ data: { satisfaction: '5' } })
    const before = await allRows(desk)
    expect(refusal(await rate(odd))).toEqual(bare('invalid-data'))
    expect(await allRows(desk)).toEqual(before)
  })

  test('and cannot change an opinion that has stood for a day', async () => {
    await closeByVisitor(desk, chat)
    desk.clock.advance(2 * 86_400_000)
    expect((await rate([good])).status).toBe(200)
    expect(refusal(await rate([{ name: 'satisfaction', value: '1' }]))).toEqual(bare('room-closed'))
    expect((await roomSeenBy(manager, chat.rid)).surveyFeedback).toEqual({ satisfaction: '5' })
  })

  test('of one’s own alone: another’s is answered like one that is not there', async () => {
    const other = await openChat(desk)
    const before = await allRows(desk)
    expect(refusal(await rate([good], { rid: other.rid, token: chat.token }))).toEqual(bare('invalid-room'))
    expect(refusal(await rate([good], { rid: 'no-such', token: chat.token }))).toEqual(bare('invalid-room'))
    expect(refusal(await rate([good], { rid: chat.rid, token: 'no-such' }))).toEqual(bare('invalid-token'))
    expect(await allRows(desk)).toEqual(before)
  })

  test.each([
    [[]],
    [undefined],
    [[{ name: 'satisfaction', value: 5 }]],
    [[{ name: 'additionalFeedback', value: 'x'.repeat(1_001) }]],
  ])('not in another shape: %j', async (data) => {
    const refused = await rate(data)
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-params'])
  })
})
