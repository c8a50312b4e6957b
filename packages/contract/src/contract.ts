import { accounts } from './areas/accounts.ts'
import { agents } from './areas/agents.ts'
import { departments } from './areas/departments.ts'
import { audit } from './areas/audit.ts'
import { files } from './areas/files.ts'
import { contacts } from './areas/contacts.ts'
import { customFields } from './areas/custom-fields.ts'
import { inquiries } from './areas/inquiries.ts'
import { chat, messages } from './areas/messages.ts'
import { offlineMessages } from './areas/offline-messages.ts'
import { rooms } from './areas/rooms.ts'
import { roles } from './areas/roles.ts'
import { sessions } from './areas/sessions.ts'
import { settings } from './areas/settings.ts'
import { streams } from './areas/streams.ts'
import { transcripts } from './areas/transcripts.ts'
import { subscriptions } from './areas/subscriptions.ts'
import { transfers } from './areas/transfers.ts'
import { users } from './areas/users.ts'
import { visitors } from './areas/visitors.ts'
import { widgetSettings } from './areas/widget-settings.ts'

/** Every area of the API, in the order of the documents. An operation enters here together with its handler. */
export const areas = {
  widgetSettings,
  visitors,
  rooms,
  messages,
  files,
  inquiries,
  chat,
  sessions,
  roles,
  settings,
  agents,
  users,
  departments,
  accounts,
  audit,
  offlineMessages,
  transcripts,
  subscriptions,
  transfers,
  customFields,
  contacts,
  streams,
} as const

/** Every operation by its key, `'POST /livechat/message'`: contract key, handler key, SDK call and test call. */
export const contract = {
  ...areas.widgetSettings,
  ...areas.visitors,
  ...areas.rooms,
  ...areas.messages,
  ...areas.files,
  ...areas.inquiries,
  ...areas.chat,
  ...areas.sessions,
  ...areas.agents,
  ...areas.users,
  ...areas.roles,
  ...areas.settings,
  ...areas.departments,
  ...areas.accounts,
  ...areas.audit,
  ...areas.offlineMessages,
  ...areas.transcripts,
  ...areas.subscriptions,
  ...areas.transfers,
  ...areas.customFields,
  ...areas.contacts,
  ...areas.streams,
} as const

export type Contract = typeof contract
export type OperationKey = keyof Contract
