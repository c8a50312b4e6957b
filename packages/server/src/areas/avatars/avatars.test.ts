// Pictures of people (contract §E.6): any name has one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, withSettings, type Chat } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let chat: Chat
beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Zoë' })
  chat = await openChat(desk, { name: 'Óscar' })
})
afterAll(() => desk.stop())

async function picture(path: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') {
  const answer = await desk.server.http.inject({ method, url: `/avatar/${path}`, headers })
  return { status: answer.statusCode, headers: answer.headers, text: answer.payload }
}

const letterIn = (text: string) => /<text[^>]*>([^<]*)</.exec(text)?.[1]

describe('an avatar', () => {
  test.each([
    ['anna', 'A'],
    ['@anna', 'A'],
    ['nobody-of-this-name', 'N'],
    ['Wendy%20Widget', 'W'],
    ['%3Cscript%3Ealert(1)%3C%2Fscript%3E', 'S'],
    ['..%2f..%2fetc', 'E'],
    ['%26%22%27%3C', '?'],
    ['%E6%97%A5%E6%9C%AC', '日'],
    ['%C3%9Fx', 'SS'],
    ['7up', '7'],
    ['x'.repeat(10_000), 'X'],
    ['AC/DC', 'A'],
    ['100%%20Zoë', '1'],
    ['%', '?'],
    ['%E0%A4%A', 'E'],
    ['%ED%A0%80', 'E'],
    ['😀'.repeat(256), '?'],
    ['%E6%97%A5'.repeat(256), '日'],
    ['rooms/of/mine', 'R'],
  ])('is there for any name: %s', async (name, letter) => {
    const answer = await picture(name)
    expect(answer.status).toBe(200)
    expect(letterIn(answer.text)).toBe(letter)
    expect(answer.text).toMatch(/^<svg [^<>]*><rect [^<>]*\/><text [^<>]*>[^<>&]*<\/text><\/svg>$/)
  })

  test('is a picture and nothing else, to keep for an hour', async () => {
    const answer = await picture('anna')
    expect(answer.headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-disposition': 'inline',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'public, max-age=3600',
      'last-modified': 'Thu, 01 Jan 2015 00:00:00 GMT',
      'x-content-type-options': 'nosniff',
    })
    const again = await picture('anna', { 'if-modified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' })
    expect([again.status, again.text]).toEqual([304, ''])
    expect((await picture('anna', {}, 'HEAD')).status).toBe(200)
    expect((await picture('anna')).text).toBe(answer.text)
  })

  test.each([
    ['', 200],
    ['?size=50', 50],
    ['?size=1', 16],
    ['?size=999999', 1_024],
    ['?size=x', 200],
    ['?size=-5', 16],
  ])('has the size that was asked for, within limits: %s', async (query, size) => {
    expect((await picture(`anna${query}`)).text).toContain(`width="${String(size)}" height="${String(size)}"`)
  })

  test('has the letter of the real name where the setting says so, and strangers may know', async () => {
    await withSettings(desk, { UI_Use_Name_Avatar: true }, async () => {
      expect(letterIn((await picture('anna')).text)).toBe('Z')
      expect(letterIn((await picture(`uid/${anna.id}`)).text)).toBe('Z')
      await withSettings(desk, { Accounts_AvatarBlockUnauthenticatedAccess: true }, async () => {
        expect(letterIn((await picture('anna')).text)).toBe('A')
      })
    })
  })

  test('is there by the id of a user, and for rooms that there are', async () => {
    expect(letterIn((await picture(`uid/${anna.id}`)).text)).toBe('A')
    expect(letterIn((await picture('uid/nobody')).text)).toBe('?')
    expect((await picture(`room/${chat.rid}`)).status).toBe(200)
    expect((await picture('room/no-such-room')).status).toBe(404)
  })

  test('of a room tells nothing of its visitor’s name', async () => {
    const before = (await picture(`room/${chat.rid}`)).text
    expect(letterIn(before)).not.toBe('Ó')
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('visitor').set({ name: 'Zoë', username: 'zoe' }).where('id', '=', chat.id)),
    )
    expect((await picture(`room/${chat.rid}`)).text).toBe(before)
  })

  test('is of somebody', async () => {
    expect((await picture('')).status).toBe(404)
  })
})

test('the sound of a message is there', async () => {
  const answer = await desk.server.http.inject({ method: 'GET', url: '/sounds/chime.mp3' })
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'audio/mpeg'])
  // The start of an MPEG frame.
  expect(answer.rawPayload.readUInt16BE(0) & 0xffe0).toBe(0xffe0)
})
