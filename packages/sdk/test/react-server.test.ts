// Rendering on a server: there is no page, and nothing is opened.
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { LivechatProvider, useConnection, useDesk, useLivechat, useMessages, useUnread } from '../src/react/react.ts'
import { fakeServer } from '../src/testing/testing.ts'

function Conversation() {
  const facts = [
    useConnection().status,
    String(useDesk()),
    useMessages().length,
    useUnread().count,
    useLivechat() === undefined,
  ]
  return createElement('p', null, facts.join(' '))
}

test('a page is rendered without a page, and opens nothing', () => {
  expect('window' in globalThis || 'document' in globalThis).toBe(false)
  const server = fakeServer()
  const page = createElement(LivechatProvider, { options: server.connection }, createElement(Conversation))
  expect(renderToString(page)).toBe('<p>connecting undefined 0 0 true</p>')
  expect([server.openSockets, server.calls]).toEqual([0, []])
})
