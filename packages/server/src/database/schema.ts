/**
 * All tables on one page. Column kinds are those of columns.ts: times are ISO text, flags are 0 or 1, `Json` columns are
 * stored and returned whole. Facts that happened are nullable times (`closedAt`), not booleans.
 */
export interface Tables {
  visitor: VisitorTable
  contact: ContactTable
  room: RoomTable
  roomTag: RoomTagTable
  inquiry: InquiryTable
  subscription: SubscriptionTable
  message: MessageTable
  messageVersion: MessageVersionTable
  user: UserTable
  userRole: UserRoleTable
  session: SessionTable
  setting: SettingTable
  permission: PermissionTable
  version: VersionTable
  counter: CounterTable
  job: JobTable
}

type Flag = number
type Json = string

/** A person chatting from outside. The token is the bearer secret; it is looked up by its hash alone. */
export interface VisitorTable {
  id: string
  token: string | null
  tokenHash: string | null
  username: string | null
  name: string | null
  email: string | null
  phone: string | null
  status: string | null
  departmentId: string | null
  contactId: string | null
  fields: Json | null
  lastChatId: string | null
  lastChatAt: string | null
  activity: Json | null
  userAgent: string | null
  address: string | null
  host: string | null
  createdAt: string | null
  updatedAt: string
  disabledAt: string | null
}

/** A person we know, behind one or more visitors. */
export interface ContactTable {
  id: string
  name: string
  isUnknown: Flag
  createdAt: string
  updatedAt: string
}

/** One conversation. `seq` numbers the changes of its messages, `clockMs` is the time of its latest message. */
export interface RoomTable {
  id: string
  visitorId: string
  visitorUsername: string
  visitorName: string | null
  /** The name that agents see, folded for searching and sorting. */
  nameFolded: string
  visitorStatus: string
  visitorSpokeAt: string | null
  contactId: string | null
  departmentId: string | null
  sourceType: string
  sourceDestination: string | null
  openedAt: string
  queuedAt: string | null
  closedAt: string | null
  closedById: string | null
  closedByUsername: string | null
  closer: string | null
  servedById: string | null
  servedByUsername: string | null
  servedAt: string | null
  memberCount: number
  messageCount: number
  lastMessageId: string | null
  lastMessageMs: number
  seq: number
  clockMs: number
  isWaitingResponse: Flag
  respondedById: string | null
  respondedByUsername: string | null
  firstResponseAt: string | null
  lastResponseAt: string | null
  isOnHold: Flag
  topic: string | null
  tags: Json | null
  fields: Json | null
  updatedAt: string
}

/** The tags of a room once more, a row each: lists filter by them. */
export interface RoomTagTable {
  roomId: string
  tag: string
}

/** A room waiting in the queue, until taken; it lives as long as the room is open. */
export interface InquiryTable {
  id: string
  roomId: string
  status: string
  departmentId: string | null
  waitingSince: string
  queuedAt: string | null
  takenAt: string | null
  defaultAgentId: string | null
  defaultAgentUsername: string | null
  updatedAt: string
}

/** An agent in a room. */
export interface SubscriptionTable {
  id: string
  roomId: string
  userId: string
  joinedAt: string
  updatedAt: string
}

/** What was said, or a line of the system. A deleted one stays as a tombstone without its text. */
export interface MessageTable {
  id: string
  roomId: string
  seq: number
  sentAt: string
  text: string
  /** The wire's `t`; null for what people wrote. */
  type: string | null
  authorKind: 'visitor' | 'user' | 'system'
  authorId: string
  authorUsername: string
  authorName: string | null
  /** The parsed text where it is more than one plain paragraph. */
  tree: Json | null
  /** Further wire fields: attachments, transferData, comment … */
  extra: Json | null
  editedAt: string | null
  editedById: string | null
  editedByUsername: string | null
  deletedAt: string | null
  updatedAt: string
}

/** What a message said before it was edited or deleted. */
export interface MessageVersionTable {
  id: string
  messageId: string
  roomId: string
  text: string
  replacedAt: string
  replacedById: string
  reason: 'edited' | 'deleted'
}

/** A staff member. `presence` is what others see, `presenceChosen` what they chose, `serviceStatus` the livechat switch. */
export interface UserTable {
  id: string
  username: string
  usernameFolded: string
  name: string
  nameFolded: string
  email: string | null
  emailFolded: string | null
  emailVerified: Flag
  passwordHash: string | null
  isActive: Flag
  mustChangePassword: Flag
  presence: string
  presenceChosen: string
  connection: string
  statusText: string
  serviceStatus: string | null
  serviceStatusBySystem: Flag
  chatLimit: string | null
  openChats: number
  rotation: number
  lastRoutedAt: string | null
  language: string | null
  preferences: Json | null
  customFields: Json | null
  createdAt: string
  updatedAt: string
}

export interface UserRoleTable {
  userId: string
  role: string
}

/** A signed-in device. Only the hash of its token is kept. */
export interface SessionTable {
  tokenHash: string
  userId: string
  createdAt: string
  expiresAt: string
}

/** A setting that an administrator changed; the others have the default of areas/settings/catalogue.ts. */
export interface SettingTable {
  id: string
  value: Json
  createdAt: string
  updatedAt: string
}

/** A permission that an administrator changed; the others have the roles of areas/roles/catalogue.ts. */
export interface PermissionTable {
  id: string
  roles: Json
  updatedAt: string
}

/** A stamp per thing that processes cache (`settings`, `permissions`); every change writes a new one. */
export interface VersionTable {
  name: string
  stamp: string
}

export interface CounterTable {
  name: string
  value: number
}

/** Work to do later. A row is claimed by compare-and-set, with a lease that expires. */
export interface JobTable {
  id: string
  name: string
  data: Json
  runAt: string
  uniqueKey: string | null
  attempts: number
  leaseUntil: string | null
  parkedAt: string | null
  lastError: string | null
  createdAt: string
}
