import { areas, type Contract, type OperationKey } from '@deskbell/contract/contract.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { accountRoutes } from './areas/accounts/routes.ts'
import { agentRoutes } from './areas/agents/routes.ts'
import { departmentRoutes } from './areas/departments/routes.ts'
import { auditRoutes } from './areas/audit/routes.ts'
import { fileRoutes } from './areas/files/routes.ts'
import { contactRoutes } from './areas/contacts/routes.ts'
import { customFieldRoutes } from './areas/custom-fields/routes.ts'
import { inquiryRoutes } from './areas/inquiries/routes.ts'
import { offlineMessageRoutes } from './areas/offline-messages/routes.ts'
import { chatRoutes, messageRoutes } from './areas/messages/routes.ts'
import { roomRoutes } from './areas/rooms/routes.ts'
import { roleRoutes } from './areas/roles/routes.ts'
import { sessionRoutes } from './areas/sessions/routes.ts'
import { settingRoutes } from './areas/settings/routes.ts'
import { streamRoutes, type CallMethod } from './areas/streams/routes.ts'
import { transcriptRoutes } from './areas/transcripts/routes.ts'
import { subscriptionRoutes } from './areas/subscriptions/routes.ts'
import { transferRoutes } from './areas/transfers/routes.ts'
import { userRoutes } from './areas/users/routes.ts'
import { visitorRoutes } from './areas/visitors/routes.ts'
import { widgetSettingsRoutes } from './areas/widget-settings/routes.ts'
import type { Handlers } from './context.ts'
import type { Served } from './http/dispatch.ts'

/** Every area's handlers in one table: a missing one does not compile. */
const handlersWith = (callMethod: CallMethod): Handlers<Contract> => ({
  ...widgetSettingsRoutes,
  ...visitorRoutes,
  ...roomRoutes,
  ...messageRoutes,
  ...fileRoutes,
  ...inquiryRoutes,
  ...chatRoutes,
  ...sessionRoutes,
  ...agentRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...settingRoutes,
  ...departmentRoutes,
  ...accountRoutes,
  ...auditRoutes,
  ...offlineMessageRoutes,
  ...transcriptRoutes,
  ...subscriptionRoutes,
  ...transferRoutes,
  ...customFieldRoutes,
  ...contactRoutes,
  ...streamRoutes(callMethod),
})

/** Every operation with its handler, by its key. Methods of the realtime protocol come in, since they call operations themselves. */
export function operationsWith(callMethod: CallMethod): ReadonlyMap<string, Served> {
  const handlers = handlersWith(callMethod)
  return new Map(
    Object.values(areas).flatMap((area) =>
      Object.entries(area as Readonly<Record<string, Operation>>).map(([key, operation]) => [
        key,
        { operation, handler: handlers[key as OperationKey] },
      ]),
    ),
  )
}
