import type { visitors } from '@deskbell/contract/areas/visitors.ts'
import type { Handlers } from '../../context.ts'
import { notePresence, registerVisitor, removeVisitor, requireVisitor } from './visitors.ts'
import { visitorToWire } from './wire.ts'

export const visitorRoutes: Handlers<typeof visitors> = {
  'POST /livechat/visitor': async ({ transact }, { body, request }) => {
    const { name, email, phone, department, username, ...rest } = body.visitor
    const given = {
      ...rest,
      name: name ?? undefined,
      email: email ?? undefined,
      phone: phone ?? undefined,
      department: department === null || department === '' ? undefined : department,
      username: username ?? undefined,
    }
    return { visitor: visitorToWire(await transact((tx) => registerVisitor(tx, given, request))) }
  },
  'GET /livechat/visitor/:token': async ({ read }, { params }) => ({
    visitor: visitorToWire(await requireVisitor(read, params.token)),
  }),
  'DELETE /livechat/visitor/:token': async ({ transact, clock }, { params }) => {
    const visitor = await transact((tx) => removeVisitor(tx, params.token))
    return { visitor: { _id: visitor.id, ts: new Date(clock()).toISOString() } }
  },
  'POST /livechat/visitor.status': async ({ transact }, { body }) => {
    await transact((tx) => notePresence(tx, body.token, body.status))
    return body
  },
}
