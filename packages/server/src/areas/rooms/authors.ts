import type { Author } from '../timeline/timeline.ts'
import type { Visitor } from '../visitors/visitors.ts'

/** A visitor as author of messages and lines. */
export function visitorAuthor(visitor: Visitor): Author {
  return {
    kind: 'visitor',
    id: visitor.id,
    username: visitor.username,
    ...(visitor.name !== undefined && { name: visitor.name }),
  }
}

/** A staff member as author. */
export function staffAuthor({ id, username, name }: { id: string; username: string; name?: string }): Author {
  return { kind: 'user', id, username, ...(name !== undefined && { name }) }
}
