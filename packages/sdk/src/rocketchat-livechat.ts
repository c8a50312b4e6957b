/* eslint-disable max-params -- the signatures are those of rocketchat-livechat-sdk */
import type {
  AgentAnswer,
  ConfigAnswer,
  HistoryAnswer,
  MessageAnswer,
  MessageDeletionAnswer,
  MessageUpdateAnswer,
  NextAgentAnswer,
  OfflineMessageAnswer,
  RegistrationAnswer,
  RoomAnswer,
  RoomClosingAnswer,
  StoredMessageAnswer,
  SurveyAnswer,
  UploadAnswer,
  VisitorAnswer,
  VisitorDeletionAnswer,
} from './answers.ts'
import { callsTo } from './call.ts'
import type { Call, CallOptions, ServerOptions } from './call.ts'
import { asAPIError } from './errors.ts'
import { refusedArgument } from './failure.ts'
import { repeating } from './repeat.ts'
import { sendMessage } from './send-message.ts'
import { uploadForm } from './upload.ts'
import type { UploadOptions, UploadSource } from './upload.ts'

export interface VisitorRegistration {
  name: string
  email: string
  /** Id or name. */
  department?: string | undefined
  /** The visitor's secret, chosen by the caller: whoever knows it is the visitor. */
  token: string
  phone?: string | undefined
  customFields?: { key: string; value: string; overwrite: boolean }[] | undefined
}

export interface SurveyReply {
  name: string
  value: string
}

export interface AgentReference {
  agentId: string
  username: string
}

/**
 * The visitor's side of a livechat server. Methods reject with nothing but `APIError`. Each is one request and takes
 * `{ signal, timeoutMs }` as one more argument; each accepts a type parameter that replaces the type of its answer.
 */
export class RocketChatLivechat {
  readonly config: ConfigCalls
  readonly agents: AgentCalls
  readonly visitor: VisitorCalls
  readonly room: RoomCalls
  readonly messages: MessageCalls

  /** Throws `APIError` without a `serverURL`. Nothing is sent yet. */
  constructor(options: ServerOptions) {
    const call = callsTo(options, { errorOf: asAPIError, repeat: repeating(options.retry) })
    this.config = new ConfigCalls(call)
    this.agents = new AgentCalls(call)
    this.visitor = new VisitorCalls(call)
    this.room = new RoomCalls(call)
    this.messages = new MessageCalls(call)
  }
}

class ConfigCalls {
  readonly #call: Call

  /** @internal */
  constructor(call: Call) {
    this.#call = call
  }

  /** What a widget needs to start; with a known token also the visitor, the open room and its agent. */
  getConfig<T = ConfigAnswer>(token?: string, department?: string, options?: CallOptions): Promise<T> {
    return this.#call('GET /livechat/config', { query: { token, department } }, options)
  }
}

class AgentCalls {
  readonly #call: Call

  /** @internal */
  constructor(call: Call) {
    this.#call = call
  }

  /** The agent who serves the room. `invalid-agent` while nobody does. */
  async getAgentInfo<T = AgentAnswer>(rid: string, token: string, options?: CallOptions): Promise<T> {
    demand({ 'Room id': rid, 'Visitor token': token })
    return this.#call('GET /livechat/agent.info/:rid/:token', { params: { rid, token } }, options)
  }

  /** Who would be asked to serve next; no `agent` in the answer when the visitor already has an open room. */
  async getNextAgent<T = NextAgentAnswer>(token: string, options?: CallOptions): Promise<T> {
    demand({ 'Visitor token': token })
    return this.#call('GET /livechat/agent.next/:token', { params: { token } }, options)
  }
}

class VisitorCalls {
  readonly #call: Call

  /** @internal */
  constructor(call: Call) {
    this.#call = call
  }

  /** Makes or updates the visitor. Go on with the token of the answer: some servers answer with another. */
  async registerVisitor<T = RegistrationAnswer>(visitor: VisitorRegistration, options?: CallOptions): Promise<T> {
    const { name, email, token } = (visitor as VisitorRegistration | undefined) ?? {}
    demand({ 'Visitor name': name, 'Visitor email': email, 'Visitor token': token })
    return this.#call('POST /livechat/visitor', { json: { visitor } }, options)
  }

  async getVisitor<T = VisitorAnswer>(token: string, options?: CallOptions): Promise<T> {
    demand({ 'Visitor token': token })
    return this.#call('GET /livechat/visitor/:token', { params: { token } }, options)
  }

  /** Removes the visitor and everything the visitor's rooms hold. */
  async deleteVisitor<T = VisitorDeletionAnswer>(token: string, options?: CallOptions): Promise<T> {
    demand({ 'Visitor token': token })
    return this.#call('DELETE /livechat/visitor/:token', { params: { token } }, options)
  }
}

class RoomCalls {
  readonly #call: Call

  /** @internal */
  constructor(call: Call) {
    this.#call = call
  }

  /** The visitor's open room, made if there is none; `rid` asks for that room only, `agentId` for that agent. */
  async getRoom<T = RoomAnswer>(token: string, rid?: string, agentId?: string, options?: CallOptions): Promise<T> {
    demand({ 'Visitor token': token })
    return this.#call('GET /livechat/room', { query: { token, rid, agentId } }, options)
  }

  async closeRoom<T = RoomClosingAnswer>(rid: string, token: string, options?: CallOptions): Promise<T> {
    demand({ 'Room id': rid, 'Visitor token': token })
    return this.#call('POST /livechat/room.close', { json: { rid, token } }, options)
  }

  /** Rates the conversation, open or closed. A second rating replaces the first. */
  async submitSurvey<T = SurveyAnswer>(
    rid: string,
    token: string,
    data: SurveyReply[],
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Room id': rid, 'Visitor token': token })
    if (!Array.isArray(data) || data.length === 0) throw asAPIError(refusedArgument('Survey data is required.'))
    return this.#call('POST /livechat/room.survey', { json: { rid, token, data } }, options)
  }

  /** Sends a file into the open room. Node sends streams as they come, browsers read them to their end first. */
  async uploadFile<T = UploadAnswer>(
    rid: string,
    file: UploadSource,
    token: string,
    description?: string,
    options: UploadOptions = {},
  ): Promise<T> {
    demand({ 'Room id': rid, 'Visitor token': token })
    const { form, release } = await uploadForm(file, token, description, options).catch((error: unknown) => {
      throw asAPIError(error)
    })
    try {
      return await this.#call<T>('POST /livechat/upload/:rid', { params: { rid }, form, timeoutMs: Infinity }, options)
    } finally {
      release?.()
    }
  }
}

class MessageCalls {
  readonly #call: Call

  /** @internal */
  constructor(call: Call) {
    this.#call = call
  }

  /**
   * Speaks. With an `_id` of the caller's own the message is sent again after a failure that may pass, and exists
   * once however often it was sent; without one it is sent once.
   */
  async sendMessage<T = MessageAnswer>(
    token: string,
    rid: string,
    msg: string,
    _id?: string,
    agent?: AgentReference,
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Visitor token': token, 'Room id': rid, Message: msg })
    return sendMessage<T>(this.#call, { token, rid, msg, _id, agent }, options)
  }

  /** Replaces the text of the visitor's own message. */
  async updateMessage<T = MessageUpdateAnswer>(
    _id: string,
    token?: string,
    rid?: string,
    msg?: string,
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Message id': _id })
    return this.#call('PUT /livechat/message/:_id', { params: { _id }, json: { token, rid, msg } }, options)
  }

  async getMessage<T = StoredMessageAnswer>(
    _id: string,
    token: string,
    rid: string,
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Message id': _id, 'Visitor token': token, 'Room id': rid })
    return this.#call('GET /livechat/message/:_id', { params: { _id }, query: { token, rid } }, options)
  }

  /** Removes the visitor's own message. */
  async deleteMessage<T = MessageDeletionAnswer>(
    _id: string,
    token: string,
    rid: string,
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Message id': _id, 'Visitor token': token, 'Room id': rid })
    // Proxies drop the body of a DELETE, Rocket.Chat reads nothing else: hence both.
    const proof = { token, rid }
    return this.#call('DELETE /livechat/message/:_id', { params: { _id }, query: proof, json: proof }, options)
  }

  /** Newest first, 20 unless `limit` says otherwise, those before `end`. `ls` only feeds the unread counters. */
  async getMessageHistory<T = HistoryAnswer>(
    rid: string,
    token: string,
    ls?: string,
    end?: string,
    limit?: number,
    options?: CallOptions,
  ): Promise<T> {
    demand({ 'Room id': rid, 'Visitor token': token })
    return this.#call(
      'GET /livechat/messages.history/:rid',
      { params: { rid }, query: { token, ls, end, limit } },
      options,
    )
  }

  /** Leaves a message while nobody is there. `host` is the page it was written on, or 'null'. */
  async sendOfflineMessage<T = OfflineMessageAnswer>(
    name: string,
    email: string,
    message: string,
    department: string,
    host: string,
    options?: CallOptions,
  ): Promise<T> {
    demand({ Name: name, Email: email, Message: message })
    return this.#call('POST /livechat/offline.message', { json: { name, email, message, department, host } }, options)
  }
}

/** Callers without types reach this with anything. */
function demand(given: Record<string, unknown>): void {
  for (const [title, value] of Object.entries(given)) {
    if (typeof value !== 'string' || value === '') throw asAPIError(refusedArgument(`${title} is required.`))
  }
}
