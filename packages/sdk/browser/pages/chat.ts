// A chat with every hook in it, as somebody might write it for a shop.
import { createElement, useState } from 'react'
import type { ReactElement, ReactNode } from 'react'
import {
  LivechatProvider,
  useAgent,
  useConnection,
  useDesk,
  useLivechat,
  useLivechatEvent,
  useLivechatState,
  useMessages,
  useOutbox,
  useQueue,
  useRoom,
  useTyping,
  useUnread,
} from '../../src/react/react.ts'

type Message = ReturnType<typeof useMessages>[number]
type OutboxItem = ReturnType<typeof useOutbox>[number]

/** The chat of a shop whose desk is at `serverURL`. */
export function Chat({ serverURL }: { serverURL: string }): ReactElement {
  const options = { serverURL, name: 'Vera', reconnect: { firstMs: 20, mostMs: 50 } }
  return createElement(
    LivechatProvider,
    { options },
    createElement('main', { className: 'chat' }, ...[Header, Conversation, Composer].map((part) => child(part))),
  )
}

function child(part: () => ReactNode): ReactElement {
  return createElement(part, { key: part.name })
}

function Header(): ReactElement {
  const agent = useAgent()
  const isOnline = useDesk()
  const { status } = useConnection()
  const { count, markRead } = useUnread()
  const desk = isOnline === undefined ? '…' : isOnline ? 'We are here' : 'Nobody is there now'
  return createElement(
    'header',
    null,
    createElement('h1', null, agent?.name ?? 'Support'),
    createElement('p', { role: 'status', 'data-connection': status }, status === 'online' ? desk : status),
    count > 0 && createElement('button', { className: 'unread', type: 'button', onClick: markRead }, `${count} new`),
  )
}

function Conversation(): ReactElement {
  const queue = useQueue()
  const room = useRoom()
  const typing = useTyping()
  const [heard, setHeard] = useState(0)
  useLivechatEvent('message', () => setHeard((before) => before + 1))
  return createElement(
    'ol',
    { 'aria-live': 'polite', 'data-heard': heard },
    ...useMessages()
      .filter(({ t }) => t === undefined)
      .map(said),
    ...useOutbox().map((item) => createElement(OnItsWay, { key: item._id, item })),
    queue && createElement('li', { key: 'queue', className: 'note' }, `You are number ${queue.spot}`),
    typing.length > 0 && createElement('li', { key: 'typing', className: 'note' }, `${typing.join(', ')} …`),
    room?.isOpen === false && createElement('li', { key: 'closed', className: 'note' }, 'The conversation has ended'),
  )
}

function said({ _id, msg, token, file }: Message): ReactElement {
  const className = token === undefined ? 'theirs' : 'mine'
  return createElement('li', { key: _id, className, 'data-said': _id }, file === undefined ? msg : `📎 ${file.name}`)
}

function OnItsWay({ item }: { item: OutboxItem }): ReactElement {
  const livechat = useLivechat()
  const retry = { type: 'button', onClick: () => livechat?.retry(item._id) } as const
  return createElement(
    'li',
    { className: `mine ${item.state}` },
    item.msg,
    item.state === 'failed' && createElement('button', retry, `Try again (${item.error?.code ?? ''})`),
  )
}

function Composer(): ReactElement {
  const livechat = useLivechat()
  const isLoaded = useLivechatState((state) => state.isLoaded)
  const [text, setText] = useState('')
  return createElement(
    'form',
    {
      onSubmit(event: { preventDefault(): void }) {
        event.preventDefault()
        if (text !== '') livechat?.send(text)
        setText('')
      },
    },
    createElement('input', {
      value: text,
      'aria-label': 'Message',
      placeholder: isLoaded ? 'Write a message' : 'One moment …',
      disabled: livechat === undefined,
      onChange({ target }: { target: { value: string } }) {
        setText(target.value)
        livechat?.typing(target.value !== '')
      },
    }),
    createElement('button', { disabled: livechat === undefined }, 'Send'),
  )
}
