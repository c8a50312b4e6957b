/**
 * All tables on one page. Column kinds are those of columns.ts: times are ISO text, flags are 0 or 1, `Json` columns are
 * stored and returned whole. Facts that happened are nullable times (`closedAt`), not booleans.
 */
export interface Tables {
  visitor: VisitorTable
  contact: ContactTable
  block: BlockTable
  visitorField: VisitorFieldTable
  pageVisit: PageVisitTable
  customField: CustomFieldTable
  department: DepartmentTable
  departmentAgent: DepartmentAgentTable
  room: RoomTable
  roomTag: RoomTagTable
  roomField: RoomFieldTable
  inquiry: InquiryTable
  subscription: SubscriptionTable
  message: MessageTable
  messageVersion: MessageVersionTable
  upload: UploadTable
  mail: MailTable
  user: UserTable
  userRole: UserRoleTable
  session: SessionTable
  accountLink: AccountLinkTable
  process: ProcessTable
  connection: ConnectionTable
  audit: AuditTable
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
  /** Folded for searching, where SQL's own folding would not do. */
  usernameFolded: string | null
  nameFolded: string | null
  email: string | null
  phone: string | null
  /** What the visitor wrote in a message. Shown to agents, and never taken for who somebody is. */
  foundEmail: string | null
  foundPhone: string | null
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
  /** The agent who looks after this visitor, with the name of now. */
  managerId: string | null
  managerUsername: string | null
  lastAgentId: string | null
  lastAgentUsername: string | null
  lastAgentAt: string | null
  createdAt: string | null
  updatedAt: string
  disabledAt: string | null
}

/** The custom fields of a visitor once more, a row each: agents search in them. */
export interface VisitorFieldTable {
  visitorId: string
  key: string
  folded: string
}

/** Somebody who may not chat: `kind` is `visitor` (value: the hash of a token) or `address` (the hash of one). */
export interface BlockTable {
  id: string
  kind: 'visitor' | 'address'
  value: string
  visitorId: string | null
  reason: string
  createdById: string
  createdAt: string
}

/** A page that a visitor looked at; without a room until that visitor opens one, and forgotten after a month. */
export interface PageVisitTable {
  id: string
  tokenHash: string
  roomId: string | null
  change: string
  title: string
  href: string
  /** Where it came from, as a hash, for the limit of visits by unknown tokens. */
  address: string
  visitedAt: string
  expiresAt: string | null
}

/** A field that an administrator defined for visitors or rooms. */
export interface CustomFieldTable {
  id: string
  label: string
  scope: string
  visibility: string
  pattern: string | null
  type: string | null
  defaultValue: string | null
  options: string | null
  isSearchable: Flag | null
  isRequired: Flag | null
  isPublic: Flag | null
  updatedAt: string
}

/** A department. The nullable ones are those that the wire leaves out where nobody set them. */
export interface DepartmentTable {
  id: string
  name: string
  nameFolded: string
  email: string
  isEnabled: Flag
  showOnRegistration: Flag
  showOnOfflineForm: Flag
  agentCount: number
  description: string | null
  asksForTags: Flag | null
  closingTags: Json | null
  offlineChannel: string | null
  fallbackId: string | null
  forwardsTo: Json | null
  receivesWhileOffline: Flag | null
  /** A number or the text of one, as it was given. */
  chatLimit: Json | null
  inactivityTimeout: Json | null
  abandonedMessage: string | null
  waitingMessage: string | null
  archivedAt: string | null
  createdAt: string
  updatedAt: string
}

/** An agent of a department. `rotation` counts the chats handed out, `position` is the wire's `order`. */
export interface DepartmentAgentTable {
  id: string
  departmentId: string
  agentId: string
  rotation: number
  position: number
  isEnabled: Flag
  createdAt: string
  updatedAt: string
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
  /** When agents were last told of a change of it. */
  visitorStatusAt: string | null
  visitorSpokeAt: string | null
  /** The months in which an agent answered the visitor: those before this room, and those of this room. */
  visitorActivity: Json | null
  contactId: string | null
  departmentId: string | null
  sourceType: string
  sourceDestination: string | null
  /** Where it was opened from, as a hash: one address may have so many chats that nobody has answered. */
  openedFrom: string | null
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
  heldAt: string | null
  /** Metrics (contract §B.9): when the visitor's open question was asked and last answered; null is the opening of the room. */
  askedMs: number | null
  repliedMs: number | null
  responseCount: number | null
  responseSeconds: number | null
  firstResponseSeconds: number | null
  firstResponseDoneAt: string | null
  reactionSeconds: number | null
  firstReactionSeconds: number | null
  firstReactionAt: string | null
  inactivitySeconds: number | null
  /** When the visitor counts as gone. */
  abandonsAt: string | null
  autoTransferredAt: string | null
  survey: Json | null
  transcriptRequest: Json | null
  callStatus: string | null
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

/** The custom fields of a room once more, a row each: lists search in them. */
export interface RoomFieldTable {
  roomId: string
  key: string
  folded: string
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
  /** The agent who put it back into the queue, or was taken from it. */
  returnedById: string | null
  updatedAt: string
}

/** An agent in a room. */
export interface SubscriptionTable {
  id: string
  roomId: string
  userId: string
  joinedAt: string
  /** Up to when the agent has read; null for one who has not looked yet. */
  readAt: string | null
  updatedAt: string
}

/** What was said, or a line of the system. A deleted one stays as a tombstone without its text. */
export interface MessageTable {
  id: string
  roomId: string
  seq: number
  sentAt: string
  text: string
  /** The text folded for searching; null where that is what SQL's `lower` makes of it. */
  textFolded: string | null
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

/** A file that somebody sent; its bytes lie under its id in the data folder. */
export interface UploadTable {
  id: string
  roomId: string
  visitorId: string | null
  userId: string | null
  messageId: string | null
  name: string
  type: string
  extension: string
  etag: string
  size: number
  width: number | null
  height: number | null
  description: string | null
  createdAt: string
}

/** A letter to send. Its row goes once it is handed over. */
export interface MailTable {
  id: string
  recipient: string
  /** Shown beside the configured sender address. */
  senderName: string | null
  replyTo: string | null
  subject: string
  text: string
  html: string
  attachments: Json | null
  purpose: string
  createdAt: string
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
  /** Since when an agent has been gone or switched off. */
  awaySince: string | null
  openChats: number
  rotation: number
  lastRoutedAt: string | null
  language: string | null
  /** What the person says of themselves. */
  nickname: string | null
  bio: string | null
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

/** A process that serves this database, and when it was last heard of. */
export interface ProcessTable {
  id: string
  seenAt: string
}

/** How a member of the staff is connected to a process: by any number of sockets, `away` where all of them are. */
export interface ConnectionTable {
  processId: string
  userId: string
  status: string
}

/** A link that lets its holder set a password once. Only the hash of its token is kept. */
export interface AccountLinkTable {
  tokenHash: string
  userId: string
  purpose: 'invitation' | 'reset'
  createdAt: string
  expiresAt: string
}

/** Who changed what. `before` and `after` never contain a secret. */
export interface AuditTable {
  id: string
  at: string
  actorId: string
  actorUsername: string
  action: string
  subjectKind: string
  subjectId: string
  roomId: string | null
  before: Json | null
  after: Json | null
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
