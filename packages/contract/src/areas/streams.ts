import { Type as t } from 'typebox'
import { operations } from '../operation.ts'

const name = t.Object({
  method: t.String({ maxLength: 256, description: 'A label for logs; the name inside `message` decides' }),
})

// Exactly one key: consoles rely on being told of any other (contract §E.5).
const body = t.Object(
  {
    message: t.String({
      maxLength: 65_536,
      description: 'EJSON text of `{"msg":"method","id":…,"method":…,"params":[…]}`',
      examples: ['{"msg":"method","id":"1","method":"livechat:getRoutingConfig","params":[]}'],
    }),
  },
  { maxProperties: 1 },
)

const description =
  'The methods are those of the socket at `/websocket` (docs/realtime.md). A refusal of the method is an `error` inside ' +
  '`message`; the status is 200 all the same.'

const answer = t.Object({
  message: t.String({ description: 'EJSON text of `{"msg":"result","id":…,"result"?:…,"error"?:…}`' }),
})

export const streams = operations('Methods', {
  'POST /method.call/:method': {
    summary: 'Call a method of the realtime protocol without a socket',
    description,
    caller: 'user',
    limit: 'staff',
    params: name,
    body,
    returns: answer,
    errors: { 'invalid-method-call': 'text' },
  },
  'POST /method.callAnon/:method': {
    summary: 'The same for callers who are not signed in',
    description,
    caller: 'anyone',
    limit: 'lookup',
    params: name,
    body,
    returns: answer,
    errors: { 'invalid-method-call': 'text' },
  },
})
