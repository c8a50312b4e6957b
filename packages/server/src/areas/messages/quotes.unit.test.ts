import { describe, expect, test } from 'vitest'
import { findQuotedMessageIds, quoteAttachment } from './quotes.ts'

const site = 'https://chat.example.com'
const link = (roomId: string, messageId: string) => `${site}/live/${roomId}?msg=${messageId}`

describe('links to messages', () => {
  test.each([
    ['plain', `look: ${link('room-1', 'msg_1')}.`],
    ['in Markdown with the text first', `[ ](${link('room-1', 'msg_1')}) what about this?`],
    ['in Markdown with the address first', `[${link('room-1', 'msg_1')}](this)`],
    ['followed by more of an address', `${link('room-1', 'msg_1')}&x=1`],
  ])('are found %s', (_, text) => {
    expect(findQuotedMessageIds(text, site)).toEqual([
      { url: link('room-1', 'msg_1'), roomId: 'room-1', messageId: 'msg_1' },
    ])
  })

  test('are found whether or not Site_Url ends in a slash, in a subfolder too', () => {
    expect(findQuotedMessageIds(link('r', 'm'), `${site}/`)).toHaveLength(1)
    expect(findQuotedMessageIds(`${site}/chat/live/r?msg=m`, `${site}/chat`)).toHaveLength(1)
  })

  test('are listed in order, each message once, five at most', () => {
    const text = ['a', 'b', 'a', 'c', 'd', 'e', 'f'].map((id) => link('room', id)).join(' ')
    expect(findQuotedMessageIds(text, site).map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test.each([
    ['another site', 'https://chat.example.com.evil.example/live/r?msg=m'],
    ['another scheme', 'http://chat.example.com/live/r?msg=m'],
    ['no room', `${site}/live/?msg=m`],
    ['no message', `${site}/live/r?msg=`],
    ['a room only', `${site}/live/r`],
    ['another page', `${site}/direct/r?msg=m`],
    ['an id longer than ids are', link('r', 'm'.repeat(65))],
    ['a room id longer than ids are', link('r'.repeat(257), 'm')],
    ['a path below the room', `${site}/live/r/x?msg=m`],
  ])('are not seen in %s', (_, text) => {
    expect(findQuotedMessageIds(text, site)).toEqual([])
  })

  test('are not seen while the site has no address', () => {
    expect(findQuotedMessageIds('/live/r?msg=m', '')).toEqual([])
  })

  test('are found at the end of a hostile text', () => {
    const text = `${`${site}/live/`.repeat(20_000)}${'r'.repeat(100_000)} ${link('r', 'm')}`
    expect(findQuotedMessageIds(text, site)).toEqual([{ url: link('r', 'm'), roomId: 'r', messageId: 'm' }])
  })
})

describe('a quote', () => {
  const message = { text: '*Hello*', authorName: 'Ana Prado', authorUsername: 'ana/1', at: '2026-11-02T09:00:00.000Z' }

  test('shows text, author, picture and time of the message', () => {
    expect(quoteAttachment(link('r', 'm'), message)).toEqual({
      message_link: link('r', 'm'),
      text: '*Hello*',
      author_name: 'Ana Prado',
      author_icon: '/avatar/ana%2F1',
      ts: '2026-11-02T09:00:00.000Z',
    })
  })

  test('brings the files of the message along, but not what that message quotes', () => {
    const file = { type: 'file', title: 'bill.png', title_link: '/file-upload/up1/bill.png' }
    const earlier = quoteAttachment(link('r', 'earlier'), { ...message, attachments: [file] })

    expect(quoteAttachment(link('r', 'm'), { ...message, attachments: [file, earlier] }).attachments).toEqual([file])
    expect(quoteAttachment(link('r', 'm'), { ...message, attachments: [earlier] })).not.toHaveProperty('attachments')
  })
})
