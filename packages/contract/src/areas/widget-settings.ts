import { Type as t } from 'typebox'
import { AgentName, Maybe } from '../entities/basics.ts'
import { AgentInfo } from '../entities/visitor.ts'
import { operations } from '../operation.ts'

const Texts = t.Record(t.String(), t.Unknown())

export const widgetSettings = operations('Widget settings', {
  'GET /livechat/config': {
    summary: 'What a widget needs to know before the first word',
    description:
      'With the token of a visitor it also tells who that is, the open room and who serves it. An unknown token is no error, ' +
      'but counts as a guess: after too many from one address only tokens that are in use there are looked up.',
    caller: 'anyone',
    limit: 'lookup',
    query: t.Object({
      token: Maybe(t.String({ maxLength: 256 })),
      department: Maybe(t.String({ maxLength: 256 })),
      businessUnit: Maybe(t.String({ maxLength: 256 })),
    }),
    returns: t.Object({
      config: t.Object({
        enabled: t.Boolean(),
        settings: t.Optional(Texts),
        theme: t.Optional(Texts),
        messages: t.Optional(t.Record(t.String(), t.String())),
        survey: t.Optional(t.Object({ items: t.Array(t.String()), values: t.Array(t.String()) })),
        triggers: t.Optional(t.Array(t.Unknown())),
        departments: t.Optional(
          t.Array(
            t.Object({
              _id: t.String(),
              name: t.String(),
              showOnRegistration: t.Boolean(),
              showOnOfflineForm: t.Boolean(),
              departmentsAllowedToForward: t.Optional(t.Array(t.String())),
            }),
          ),
        ),
        resources: t.Optional(t.Object({ sound: t.String(), emojis: t.Array(t.Unknown()) })),
        online: t.Optional(t.Boolean()),
        customFields: t.Optional(t.Array(t.Unknown())),
        queueInfo: t.Optional(
          t.Object({
            spot: t.Integer(),
            message: t.Object({ text: t.String(), user: t.Object({ _id: t.String(), username: t.String() }) }),
            estimatedWaitTimeSeconds: t.Optional(t.Number()),
          }),
        ),
        guest: t.Optional(
          t.Object({
            _id: t.String(),
            name: t.Optional(t.String()),
            username: t.String(),
            token: t.String(),
            visitorEmails: t.Optional(t.Array(t.Object({ address: t.String() }))),
            department: t.Optional(t.String()),
          }),
        ),
        room: t.Optional(
          t.Object({
            _id: t.String(),
            departmentId: t.Optional(t.String()),
            servedBy: t.Optional(t.Object({ _id: t.String(), username: AgentName, ts: t.String() })),
            open: t.Optional(t.Literal(true)),
            callStatus: t.Optional(t.String()),
          }),
        ),
        agent: t.Optional(AgentInfo),
      }),
    }),
    errors: {},
  },
  'GET /livechat/config/routing': {
    summary: 'How chats reach agents on this server',
    caller: 'user',
    limit: 'staff',
    returns: t.Object({
      config: t.Object({
        previewRoom: t.Boolean(),
        showConnecting: t.Boolean(),
        showQueue: t.Boolean(),
        showQueueLink: t.Boolean(),
        returnQueue: t.Boolean(),
        enableTriggerAction: t.Boolean(),
        autoAssignAgent: t.Boolean(),
      }),
    }),
    errors: {},
  },
})
