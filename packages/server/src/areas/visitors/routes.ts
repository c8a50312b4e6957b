import type { visitors } from '@deskbell/contract/areas/visitors.ts'
import type { Handlers } from '../../context.ts'
import { ApiError } from '../../api-error.ts'
import type { Reader } from '../../database/transaction.ts'
import { visitorAudience } from '../timeline/wire.ts'
import {
  describePage,
  findRoomOfToken,
  navigationOf,
  noteCall,
  notePage,
  notePresence,
  refuseBadFields,
  registerVisitor,
  removeVisitor,
  requireVisitor,
  setFields,
  type Visitor,
} from './visitors.ts'
import { visitorToWire } from './wire.ts'

export const visitorRoutes: Handlers<typeof visitors> = {
  'POST /livechat/visitor': async ({ read, transact }, { body, request }) => {
    const { name, email, phone, department, username, customFields, ...rest } = body.visitor
    const given = {
      ...rest,
      name: name ?? undefined,
      email: email ?? undefined,
      phone: phone ?? undefined,
      department: department === null || department === '' ? undefined : department,
      username: username ?? undefined,
      fields: customFields ?? undefined,
    }
    return { visitor: await ownDocument(read, await transact((tx) => registerVisitor(tx, given, request))) }
  },
  'GET /livechat/visitor/:token': async ({ read }, { params }) => ({
    visitor: await ownDocument(read, await requireVisitor(read, params.token)),
  }),
  'DELETE /livechat/visitor/:token': async ({ transact, clock }, { params }) => {
    const visitor = await transact((tx) => removeVisitor(tx, params.token))
    return { visitor: { _id: visitor.id, ts: new Date(clock()).toISOString() } }
  },
  'POST /livechat/visitor.status': async ({ transact }, { body }) => {
    await transact((tx) => notePresence(tx, body.token, body.status))
    return body
  },
  'POST /livechat/visitor.callStatus': async ({ transact }, { body: { token, rid, callStatus } }) => {
    await transact((tx) => noteCall(tx, token, { roomId: rid, status: callStatus }))
    return { token, callStatus }
  },
  'GET /livechat/visitor/:token/room': async ({ read }, { params }) => {
    const room = await findRoomOfToken(read, params.token)
    if (room === undefined) return { rooms: [] }
    const { id, servedBy } = room
    const by = servedBy && { _id: servedBy.id, username: servedBy.username, ts: servedBy.at }
    return { rooms: [{ _id: id, t: 'l' as const, cl: false as const, servedBy: by }] }
  },
  'POST /livechat/page.visited': async ({ transact }, { body: { token, rid, pageInfo }, request }) => {
    const { change, title, location } = pageInfo
    const seen = { change, title, href: location.href }
    const page = await transact((tx) =>
      notePage(tx, { token, roomId: rid ?? undefined, page: seen, address: request.address }),
    )
    if (page === undefined) return {}
    return { page: { msg: describePage(page), navigation: { ...navigationOf(page), token } } }
  },
  'POST /livechat/custom.field': async ({ read, patterns, transact }, { body: { token, ...field } }) => {
    await refuseBadFields(read, patterns, token, [field])
    await transact((tx) => setFields(tx, token, [field]))
    return { field }
  },
  'POST /livechat/custom.fields': async ({ read, patterns, transact }, { body: { token, customFields } }) => {
    await refuseBadFields(read, patterns, token, customFields).catch(asOneFailure)
    await transact((tx) => setFields(tx, token, customFields)).catch(asOneFailure)
    // The capital letter is what old clients read.
    return { fields: customFields.map((field) => ({ Key: field.key, ...field })) }
  },
}

/** This operation has one word for whatever is wrong with a field (contract A.27). */
function asOneFailure(error: unknown): never {
  const isField = error instanceof ApiError && error.code !== 'invalid-token'
  throw isField ? new ApiError('error-setting-custom-field', { cause: error }) : error
}

/** A visitor as it sees itself. */
async function ownDocument(reader: Reader, visitor: Visitor) {
  return visitorToWire(visitor, await visitorAudience(reader, visitor.token))
}
