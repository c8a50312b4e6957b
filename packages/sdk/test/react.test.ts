// @vitest-environment happy-dom
import { act, createElement, memo, StrictMode } from 'react'
import type { ReactNode } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import type { Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryStorage, openVisitorSession } from '../src/sdk.ts'
import type { VisitorSession, VisitorSessionOptions } from '../src/sdk.ts'
import {
  LivechatProvider,
  useAgent,
  useConnection,
  useDesk,
  useLivechat,
  useLivechatEvent,
  useMessages,
  useOutbox,
  useQueue,
  useRoom,
  useSessionState,
  useTyping,
  useUnread,
} from '../src/react/react.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer } from '../src/testing/testing.ts'

let clock: FakeClock
let server: FakeServer
let root: Root | undefined
let sessions: VisitorSession[]

beforeEach(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
  clock = fakeClock()
  server = fakeServer({ clock })
  sessions = []
})

afterEach(async () => {
  await act(() => {
    root?.unmount()
    return Promise.resolve()
  })
  root = undefined
  for (const session of sessions) session.end()
  await clock.settle()
  expect(server.openSockets).toBe(0)
})

function options(): VisitorSessionOptions {
  return { ...server.connection, storage: memoryStorage() }
}

async function open(): Promise<VisitorSession> {
  const session = await openVisitorSession(options())
  sessions.push(session)
  return session
}

/** Does something and lets everything follow from it. */
function moved(work: () => unknown = () => undefined): Promise<void> {
  return act(async () => {
    await work()
    await clock.settle()
  })
}

async function show(node: ReactNode): Promise<HTMLElement> {
  const element = document.createElement('div')
  root = createRoot(element)
  await moved(() => root?.render(node))
  return element
}

function provide(props: Parameters<typeof LivechatProvider>[0], ...children: ReactNode[]) {
  return createElement(LivechatProvider, props, ...children)
}

/** What somebody sees of a conversation. */
function Conversation() {
  const facts = {
    connection: useConnection().status,
    desk: useDesk(),
    room: useRoom()?.isOpen,
    agent: useAgent()?.name,
    queue: useQueue()?.spot,
    typing: useTyping(),
    said: useMessages()
      .filter(({ t }) => t === undefined)
      .map(({ msg }) => msg),
    outbox: useOutbox().map(({ msg, state }) => `${msg} (${state})`),
    unread: useUnread().count,
    isOpen: useLivechat() !== undefined,
  }
  return createElement('pre', null, JSON.stringify(facts))
}

function shown(element: HTMLElement): Record<string, unknown> {
  return JSON.parse(element.textContent) as Record<string, unknown>
}

const nothingYet = { connection: 'connecting', typing: [], said: [], outbox: [], unread: 0, isOpen: false }

describe('in a page', () => {
  test('hooks show the conversation as it goes', async () => {
    const session = await open()
    const element = await show(provide({ session }, createElement(Conversation)))
    expect(shown(element)).toEqual({ ...nothingYet, connection: 'online', desk: true, isOpen: true })

    await moved(() => session.send('Hello'))
    expect(shown(element)).toMatchObject({ room: true, agent: 'Anna', said: ['Hello'], outbox: [] })

    await moved(() => {
      server.agent.reply('Hi')
      server.agent.typing()
      server.queue(2)
    })
    expect(shown(element)).toMatchObject({ typing: ['anna'], said: ['Hello', 'Hi'], queue: 2, unread: 1 })

    await moved(() => {
      server.agent.closeRoom()
      server.agent.setOnline(false)
    })
    expect(shown(element)).toMatchObject({ room: false, desk: false, unread: 1 })
  })

  test('what is on its way is shown until it has come', async () => {
    const session = await open()
    await moved(() => session.send('one'))
    const element = await show(provide({ session }, createElement(Conversation)))
    await moved(() => server.faults.unreachable())
    await moved(() => session.send('two'))
    expect(shown(element)).toMatchObject({ said: ['one'], outbox: ['two (pending)'] })
    server.faults.heal()
    await moved(() => clock.advance(30_000))
    expect(shown(element)).toMatchObject({ said: ['one', 'two'], outbox: [] })
  })

  test('a component is rendered anew only when its part has changed', async () => {
    const session = await open()
    const renders = { typing: 0, messages: 0, agent: 0 }
    const Typing = memo(() => {
      renders.typing++
      return createElement('p', null, useTyping().join())
    })
    const Messages = memo(() => {
      renders.messages++
      return createElement('p', null, useMessages().length)
    })
    const Serving = memo(() => {
      renders.agent++
      return createElement('p', null, useAgent()?.name)
    })
    await show(
      provide({ session }, ...[Typing, Messages, Serving].map((part) => createElement(part, { key: Math.random() }))),
    )
    await moved(() => session.send('Hello'))
    const before = { ...renders }

    await moved(() => server.agent.typing())
    expect(renders).toEqual({ ...before, typing: before.typing + 1 })
    await moved(() => server.agent.reply('Hi'))
    expect(renders.messages).toBe(before.messages + 1)
    expect(renders.agent).toBe(before.agent)
    await moved(() => server.faults.cut(1006))
    await moved(() => clock.advance(30_000))
    expect(renders).toMatchObject({ messages: before.messages + 1, agent: before.agent })
  })

  test('unread messages are those of others, until they are read', async () => {
    const session = await open()
    await moved(() => session.send('Hello'))
    let markRead: () => void = () => undefined
    const Badge = () => {
      const unread = useUnread()
      markRead = unread.markRead
      return createElement('p', null, unread.count)
    }
    const element = await show(provide({ session }, createElement(Badge)))
    await moved(() => {
      server.agent.reply('one')
      session.send('two')
      server.agent.reply('three')
    })
    expect(element.textContent).toBe('2')
    await moved(() => markRead())
    expect(element.textContent).toBe('0')
    await moved(() => server.agent.reply('four'))
    expect(element.textContent).toBe('1')
  })

  test('events reach the latest listener, and none after the end', async () => {
    const session = await open()
    const heard: string[] = []
    const Listener = ({ name }: { name: string }) => {
      useLivechatEvent('message', ({ message }) => {
        if (message.t === undefined) heard.push(`${name}: ${message.msg}`)
      })
      return null
    }
    await show(provide({ session }, createElement(Listener, { name: 'first' })))
    await moved(() => session.send('Hello'))
    await moved(() => root?.render(provide({ session }, createElement(Listener, { name: 'second' }))))
    await moved(() => server.agent.reply('Hi'))
    await moved(() => root?.render(provide({ session })))
    await moved(() => server.agent.reply('Anybody there?'))
    expect(heard).toEqual(['first: Hello', 'second: Hi'])
  })

  test('any session’s state can be selected from', async () => {
    const session = await open()
    const Loaded = () =>
      createElement('p', null, String(useSessionState(session, ({ isLoaded }) => isLoaded, session.state)))
    const element = await show(createElement(Loaded))
    expect(element.textContent).toBe('true')
  })

  test('without a provider there is nothing yet', async () => {
    expect(shown(await show(createElement(Conversation)))).toEqual(nothingYet)
  })
})

describe('a provider with options', () => {
  test('opens a session, and ends it when it goes', async () => {
    const element = await show(provide({ options: options() }, createElement(Conversation)))
    expect(shown(element)).toMatchObject({ connection: 'online', desk: true, isOpen: true })
    expect(server.openSockets).toBe(1)
    await moved(() => root?.render(null))
    expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
  })

  test('leaves one session open where effects run twice on trial', async () => {
    let opened = 0
    const { WebSocket } = server
    class CountedSocket extends WebSocket {
      constructor(url: string) {
        super(url)
        opened++
      }
    }
    const counted = { ...options(), WebSocket: CountedSocket }
    const element = await show(
      createElement(StrictMode, null, provide({ options: counted }, createElement(Conversation))),
    )
    expect(shown(element)).toMatchObject({ connection: 'online', isOpen: true })
    expect([opened, server.openSockets]).toEqual([1, 1])
    await moved(() => root?.render(null))
    expect(server.openSockets).toBe(0)
  })

  test('keeps its session while its options only look different', async () => {
    const given = options()
    await show(provide({ options: { ...given } }))
    const calls = server.calls.length
    await moved(() => root?.render(provide({ options: { ...given } })))
    expect([server.openSockets, server.calls.length]).toEqual([1, calls])
  })

  test('opens another session for another visitor', async () => {
    const tokens: (string | undefined)[] = []
    const Token = () => {
      const token = useLivechat()?.token
      if (tokens.at(-1) !== token) tokens.push(token)
      return null
    }
    const of = (token: string) => provide({ options: { ...options(), token } }, createElement(Token))
    await show(of('visitor-one'))
    await moved(() => root?.render(of('visitor-two')))
    expect(tokens.filter((token) => token !== undefined)).toEqual(['visitor-one', 'visitor-two'])
    expect(server.openSockets).toBe(1)
  })

  test('ends a session that was still being opened when it went', async () => {
    let give: (value: undefined) => void = () => undefined
    const slow = {
      get: () => new Promise<undefined>((resolve) => (give = resolve)),
      set: () => undefined,
      remove: () => undefined,
    }
    await show(provide({ options: { ...options(), storage: slow } }))
    await moved(() => root?.render(null))
    await moved(() => give(undefined))
    expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
  })

  test('tells why no session could be opened', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown) => void errors.push(error)
    const element = await show(
      provide({ options: { ...options(), serverURL: '' }, onError }, createElement(Conversation)),
    )
    expect(errors).toMatchObject([{ name: 'LivechatError', code: 'invalid-argument' }])
    expect(shown(element)).toEqual(nothingYet)
  })

  test('opens nothing without options', async () => {
    const element = await show(provide({ options: undefined }, createElement(Conversation)))
    expect(shown(element)).toEqual(nothingYet)
  })
})

test('what the server rendered becomes live', async () => {
  const session = await open()
  await moved(() => session.send('Hello'))
  const errors: unknown[] = []
  const element = document.createElement('div')
  const { renderToString } = await import('react-dom/server')
  const page = provide({ session }, createElement(Conversation))
  element.innerHTML = renderToString(page)
  expect(shown(element)).toMatchObject({ said: [], connection: 'connecting' })
  await moved(() => {
    root = hydrateRoot(element, page, { onRecoverableError: (error) => void errors.push(error) })
  })
  expect(shown(element)).toMatchObject({ said: ['Hello'], connection: 'online' })
  expect(errors).toEqual([])
})
