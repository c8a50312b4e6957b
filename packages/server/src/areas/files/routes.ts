import type { files } from '@deskbell/contract/areas/files.ts'
import type { Context, Handlers } from '../../context.ts'
import { compose } from '../messages/messages.ts'
import { messageToWire, staff } from '../timeline/wire.ts'
import {
  permitStaff,
  permitVisitor,
  requireUnsentFile,
  sendStaffFile,
  sendStoredFile,
  sendVisitorFile,
  storeStaffFile,
} from './files.ts'
import { keepFor, takeFile } from './receive.ts'
import { pathOf, staffFileToWire, visitorFileToWire, type Description } from './wire.ts'

export const fileRoutes: Handlers<typeof files> = {
  'POST /livechat/upload/:rid': async (context, { params, request, form }) => {
    const { read, transact, files, config, clock, uploadGuard } = context
    const token = request.visitorToken ?? (await form.findBefore('token')) ?? ''
    const { allowance, visitorId } = await permitVisitor(read, token, params.rid, clock())
    const sent = await uploadGuard.run({ visitorId, address: request.address }, async (count) => {
      const { stored, fields } = await form.receive(takeFile(files, allowance, count))
      const { file } = stored
      const { msg = '', description } = fields
      const extra = visitorFileToWire(file, described(description, config))
      const sending = { roomId: params.rid, file, composed: compose(msg, config), description, extra }
      return keepFor(stored, () => transact((tx) => sendVisitorFile(tx, token, sending)))
    })
    const { message, showConnecting } = sent
    return { ...messageToWire(message, { visitorToken: token }), newRoom: false, showConnecting }
  },
  'POST /rooms.upload/:rid': async ({ read, transact, files, config }, { params, user, form }) => {
    const allowance = await permitStaff(read, user, params.rid)
    const { stored, fields } = await form.receive(takeFile(files, allowance))
    const { file } = stored
    const { msg = '', description } = fields
    const extra = staffFileToWire(file, described(description, config))
    const sending = { roomId: params.rid, file, composed: compose(msg, config), description, extra }
    const message = await keepFor(stored, () => transact((tx) => sendStaffFile(tx, user, sending)))
    return { message: messageToWire(message, staff) }
  },
  'POST /rooms.media/:rid': async ({ read, transact, files }, { params, user, form }) => {
    const allowance = await permitStaff(read, user, params.rid)
    const { stored } = await form.receive(takeFile(files, allowance))
    const { file } = stored
    await keepFor(stored, () => transact((tx) => storeStaffFile(tx, user, { roomId: params.rid, file })))
    return { file: { _id: file.id, url: pathOf(file) } }
  },
  'POST /rooms.mediaConfirm/:rid/:fileId': async ({ read, transact, config }, { params, body, user }) => {
    const { msg = '', description } = body
    const file = await requireUnsentFile(read, user, { roomId: params.rid, fileId: params.fileId })
    const extra = staffFileToWire(file, described(description, config))
    const sending = { roomId: params.rid, file, composed: compose(msg, config), description, extra }
    return { message: messageToWire(await transact((tx) => sendStoredFile(tx, user, sending)), staff) }
  },
}

function described(description: string | undefined, config: Context['config']): Description | undefined {
  return description === undefined ? undefined : compose(description, config)
}
