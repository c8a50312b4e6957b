/* eslint-disable @typescript-eslint/unbound-method -- methods are only looked at here, never called */
import type { ReadStream } from 'node:fs'
import { describe, expectTypeOf, test } from 'vitest'
import { APIError, RocketChatLivechat } from '../src/sdk.ts'
import type {
  Agent,
  CallOptions,
  ErrorType,
  Message,
  Room,
  RoomAnswer,
  ServerOptions,
  UploadOptions,
  UploadSource,
  Visitor,
} from '../src/sdk.ts'

const livechat = new RocketChatLivechat({ serverURL: 'https://chat.example.com' })
const { config, agents, visitor, room, messages } = livechat

// Nothing here is called: the compiler is what tests.

describe('answers have the types of the contract', () => {
  test('without a type parameter', () => {
    const read = async () => ({
      config: await config.getConfig(),
      agent: await agents.getAgentInfo('room1', 'tok'),
      next: await agents.getNextAgent('tok'),
      registration: await visitor.registerVisitor({ name: 'Ana', email: 'a@b', token: 'tok' }),
      visitor: await visitor.getVisitor('tok'),
      removal: await visitor.deleteVisitor('tok'),
      room: await room.getRoom('tok'),
      closing: await room.closeRoom('room1', 'tok'),
      survey: await room.submitSurvey('room1', 'tok', []),
      upload: await room.uploadFile('room1', new Blob(), 'tok'),
      sent: await messages.sendMessage('tok', 'room1', 'Hi'),
      edited: await messages.updateMessage('m1'),
      message: await messages.getMessage('m1', 'tok', 'room1'),
      deletion: await messages.deleteMessage('m1', 'tok', 'room1'),
      history: await messages.getMessageHistory('room1', 'tok'),
      offline: await messages.sendOfflineMessage('Ana', 'a@b', 'Hi', 'sales', 'null'),
    })
    const answer = expectTypeOf(read).returns.resolves
    answer.toHaveProperty('config').toHaveProperty('config').toHaveProperty('enabled').toEqualTypeOf<boolean>()
    answer.toHaveProperty('agent').toHaveProperty('agent').toEqualTypeOf<Agent>()
    answer.toHaveProperty('next').toHaveProperty('agent').toEqualTypeOf<Agent | undefined>()
    answer.toHaveProperty('registration').toHaveProperty('visitor').toEqualTypeOf<Visitor>()
    answer.toHaveProperty('visitor').toHaveProperty('visitor').toEqualTypeOf<Visitor>()
    answer.toHaveProperty('removal').toHaveProperty('visitor').toEqualTypeOf<{ _id: string; ts: string }>()
    answer.toHaveProperty('room').toEqualTypeOf<RoomAnswer>()
    answer.toHaveProperty('room').toHaveProperty('room').toEqualTypeOf<Room>()
    answer.toHaveProperty('room').toHaveProperty('newRoom').toEqualTypeOf<boolean>()
    answer.toHaveProperty('closing').toHaveProperty('comment').toEqualTypeOf<string>()
    answer.toHaveProperty('survey').toHaveProperty('data').toEqualTypeOf<Record<string, string>>()
    answer.toHaveProperty('upload').toHaveProperty('file').toHaveProperty('name').toEqualTypeOf<string>()
    answer.toHaveProperty('sent').toHaveProperty('message').toEqualTypeOf<Message>()
    answer.toHaveProperty('edited').toHaveProperty('message').toEqualTypeOf<Message>()
    answer.toHaveProperty('message').toHaveProperty('message').toEqualTypeOf<Message>()
    answer.toHaveProperty('deletion').toHaveProperty('message').toHaveProperty('_id').toEqualTypeOf<string>()
    answer.toHaveProperty('history').toHaveProperty('messages').toEqualTypeOf<Message[]>()
    answer.toHaveProperty('offline').toHaveProperty('message').toEqualTypeOf<string>()
    answer.toHaveProperty('closing').toHaveProperty('success').toEqualTypeOf<true>()
    expectTypeOf<Message['_id']>().toEqualTypeOf<string>()
    expectTypeOf<Room['open']>().toEqualTypeOf<true | undefined>()
  })

  test('or the type a caller gives', () => {
    interface Mine {
      room: { _id: string; customFields: { plan: string } }
    }
    expectTypeOf(room.getRoom<Mine>).returns.toEqualTypeOf<Promise<Mine>>()
    expectTypeOf(config.getConfig<Mine>).returns.toEqualTypeOf<Promise<Mine>>()
    expectTypeOf(messages.sendMessage<Mine>).returns.toEqualTypeOf<Promise<Mine>>()
    expectTypeOf(room.uploadFile<Mine>).returns.toEqualTypeOf<Promise<Mine>>()
  })
})

describe('parameters are those existing callers know, and options behind them', () => {
  type Options = [options?: CallOptions | undefined]

  test('of config and agents', () => {
    expectTypeOf(config.getConfig).parameters.toEqualTypeOf<
      [token?: string | undefined, department?: string | undefined, ...Options]
    >()
    expectTypeOf(agents.getAgentInfo).parameters.toEqualTypeOf<[rid: string, token: string, ...Options]>()
    expectTypeOf(agents.getNextAgent).parameters.toEqualTypeOf<[token: string, ...Options]>()
  })

  test('of visitor', () => {
    interface Registration {
      name: string
      email: string
      department?: string | undefined
      token: string
      phone?: string | undefined
      customFields?: { key: string; value: string; overwrite: boolean }[] | undefined
    }
    expectTypeOf(visitor.registerVisitor).parameters.toEqualTypeOf<[visitor: Registration, ...Options]>()
    expectTypeOf(visitor.getVisitor).parameters.toEqualTypeOf<[token: string, ...Options]>()
    expectTypeOf(visitor.deleteVisitor).parameters.toEqualTypeOf<[token: string, ...Options]>()
  })

  test('of room', () => {
    type Replies = { name: string; value: string }[]
    type Upload = [
      rid: string,
      file: UploadSource,
      token: string,
      description?: string | undefined,
      options?: UploadOptions | undefined,
    ]
    expectTypeOf(room.getRoom).parameters.toEqualTypeOf<
      [token: string, rid?: string | undefined, agentId?: string | undefined, ...Options]
    >()
    expectTypeOf(room.closeRoom).parameters.toEqualTypeOf<[rid: string, token: string, ...Options]>()
    expectTypeOf(room.submitSurvey).parameters.toEqualTypeOf<[rid: string, token: string, data: Replies, ...Options]>()
    expectTypeOf(room.uploadFile).parameters.toEqualTypeOf<Upload>()
  })

  test('of messages', () => {
    type Id = [_id: string, token: string, rid: string]
    type Reference = { agentId: string; username: string }
    type Send = [
      token: string,
      rid: string,
      msg: string,
      _id?: string | undefined,
      agent?: Reference | undefined,
      ...Options,
    ]
    type Update = [
      _id: string,
      token?: string | undefined,
      rid?: string | undefined,
      msg?: string | undefined,
      ...Options,
    ]
    type History = [
      rid: string,
      token: string,
      ls?: string | undefined,
      end?: string | undefined,
      limit?: number | undefined,
      ...Options,
    ]
    type Offline = [name: string, email: string, message: string, department: string, host: string, ...Options]
    expectTypeOf(messages.sendMessage).parameters.toEqualTypeOf<Send>()
    expectTypeOf(messages.updateMessage).parameters.toEqualTypeOf<Update>()
    expectTypeOf(messages.getMessage).parameters.toEqualTypeOf<[...Id, ...Options]>()
    expectTypeOf(messages.deleteMessage).parameters.toEqualTypeOf<[...Id, ...Options]>()
    expectTypeOf(messages.getMessageHistory).parameters.toEqualTypeOf<History>()
    expectTypeOf(messages.sendOfflineMessage).parameters.toEqualTypeOf<Offline>()
  })
})

test('files, blobs and streams can be uploaded', () => {
  expectTypeOf<File>().toExtend<UploadSource>()
  expectTypeOf<Blob>().toExtend<UploadSource>()
  expectTypeOf<Response['body']>().exclude<null>().toExtend<UploadSource>()
  expectTypeOf<ReadStream>().toExtend<UploadSource>()
  expectTypeOf<AsyncGenerator<Uint8Array>>().toExtend<UploadSource>()
  expectTypeOf<string>().not.toExtend<UploadSource>()
})

test('a constructor needs nothing but the address', () => {
  expectTypeOf<{ serverURL: string }>().toExtend<ServerOptions>()
  expectTypeOf<{ fetch: typeof fetch }>().not.toExtend<ServerOptions>()
  expectTypeOf(fetch).toExtend<ServerOptions['fetch']>()
})

test('an error says where it comes from', () => {
  expectTypeOf<APIError>().toExtend<Error>()
  expectTypeOf<APIError['code']>().toEqualTypeOf<number>()
  expectTypeOf<APIError['errorType']>().toEqualTypeOf<ErrorType>()
  expectTypeOf<ErrorType>().toEqualTypeOf<'API' | 'SDK'>()
  expectTypeOf(APIError).toBeConstructibleWith(400, 'invalid-token', 'API', { success: false })
})
