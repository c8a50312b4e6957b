/**
 * Everything that happens, in the past tense, and what is said about it. Events leave only after commit; an event says
 * which row changed and carries just what a listener needs to decide whether to look.
 */
export interface Events {
  'visitor.changed': { visitorId: string }
  'visitor.removed': { visitorId: string; roomIds: string[] }
  'visitor.replaced': { roomId: string; visitorId: string }
  'room.opened': { roomId: string; departmentId: string | null }
  'room.changed': { roomId: string }
  /** The agent goes on serving a room that was on hold. */
  'room.resumed': { roomId: string }
  'room.closed': { roomId: string; departmentId: string | null; servedById: string | null }
  'room.removed': { roomIds: string[] }
  /** A member of the staff has read a room up to this time; null: keeps it for later. */
  'room.read': { roomId: string; userId: string; until: string | null }
  'room.transferred': {
    roomId: string
    fromAgentId: string | null
    toAgentId: string | null
    fromDepartmentId: string | null
    toDepartmentId: string | null
  }
  'inquiry.queued': { roomId: string; inquiryId: string; departmentId: string | null }
  'inquiry.taken': { roomId: string; inquiryId: string; departmentId: string | null; agentId: string }
  /** The room has ended or is gone: it is in no queue any more. */
  'inquiry.removed': { roomId: string; inquiryId: string; departmentId: string | null }
  'agent.joined': { roomId: string; agentId: string }
  'agent.left': { roomId: string; agentId: string }
  'agent.changed': { userId: string }
  /** Somebody takes no chats any more: no agent by role, or the account is deactivated or gone. */
  'agent.retired': { userId: string }
  /** Somebody types. Told to whoever listens now, and kept nowhere. */
  'room.activity': {
    roomId: string
    name: string
    /** What visitors read in the place of the name, where it is not for them. */
    nameForVisitors?: string | undefined
    activities: readonly string[]
    extras?: Record<string, unknown> | undefined
    /** The socket that said it, which does not hear it again. */
    from: string
  }
  /** Two clients arrange a call. Told like `room.activity`. */
  'room.signalled': { roomId: string; about: 'webrtc' | 'call'; args: readonly unknown[]; from: string }
  /** A member of the staff could not send. Told to that person's consoles now, and kept nowhere. */
  'message.refused': { userId: string; roomId: string; reason: string; at: string }
  'message.created': { roomId: string; messageId: string; seq: number }
  'message.changed': { roomId: string; messageId: string; seq: number }
  'message.deleted': { roomId: string; messageId: string; seq: number }
  'department.changed': { departmentId: string }
  'department.removed': { departmentId: string }
  'file.received': { fileId: string; messageId: string | null }
  'files.removed': { fileIds: string[] }
  'presence.held': { roomId: string; until: string }
  'contact.mentioned': { visitorId: string; messageId: string }
  'mail.queued': { mailId: string }
  'user.changed': { userId: string }
  'user.removed': { userId: string }
  /** Rooms keep the names of those who serve them. */
  'user.renamed': { userId: string }
  /** Others call somebody otherwise: the name, the username or both. */
  'user.name-changed': { userId: string }
  'user.roles-changed': { userId: string; added: string[]; removed: string[] }
  /** Somebody, who may be anybody, asked for a letter to this address. */
  'password.forgotten': { email: string }
  'session.ended': { userId: string }
  'settings.changed': { ids: string[] }
  'permissions.changed': { ids: string[] }
}

export type EventName = keyof Events

/** One event with its data, as the bus carries it. */
export type DeskEvent = { [Name in EventName]: { name: Name; data: Events[Name] } }[EventName]
