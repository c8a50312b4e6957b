// What consoles of agents are told of the rooms they list: that a room came, how it is now, that it is gone.
import type { DeskAgent, DeskRoom } from './desk-model.ts'
import { roomDocument, subscriptionDocument, userDocument, type Reader } from './documents.ts'

/** Tells everybody who listens to a key. */
export type Tell = (stream: string, key: string, argsFor: (reader: Reader) => unknown[]) => void

export interface StaffFeed {
  /** Tells an agent what is different in the own account. */
  tellAccount(agent: DeskAgent): void
  /** Tells whoever serves a room from now on so, before what is said there next. */
  admit(room: DeskRoom): void
  /** Tells everybody how a room is, where it is not as it was told. */
  tellRoom(room: DeskRoom): void
}

/** The feed of one desk. */
export function makeStaffFeed(tell: Tell): StaffFeed {
  const owners = new Map<string, DeskAgent>()
  const accounts = new Map<string, Record<string, unknown>>()
  /** What was told last, by stream and key. */
  const told = new Map<string, string>()

  function tellChange(stream: string, key: string, document: object, what: string[] = []): void {
    const text = JSON.stringify(document, (name, value: unknown) => (name === '_updatedAt' ? undefined : value))
    const address = `${key} ${(document as { _id: string })._id}`
    if (told.get(address) === text) return
    told.set(address, text)
    tell(stream, key, () => [...what, document])
  }

  function tellOwner(room: DeskRoom, owner: DeskAgent, what: 'inserted' | 'updated'): void {
    const subscription = subscriptionDocument(room, owner)
    tellChange('notify-user', `${owner.id}/subscriptions-changed`, subscription, [what])
    tellChange('notify-user', `${owner.id}/rooms-changed`, roomDocument(room, 'staff'), [what])
  }

  function admit(room: DeskRoom): void {
    const owner = room.closed === undefined ? room.servedBy?.agent : undefined
    const before = owners.get(room.id)
    if (before === owner) return
    if (before !== undefined) {
      const { id: _id, username } = before
      const left = { _id: room.id + _id, rid: room.id, t: 'l', u: { _id, username } }
      tellChange('notify-user', `${_id}/subscriptions-changed`, left, ['removed'])
    }
    owners.delete(room.id)
    if (owner === undefined) return
    owners.set(room.id, owner)
    tellOwner(room, owner, 'inserted')
  }

  function tellAccount(agent: DeskAgent): void {
    const account: Record<string, unknown> = userDocument(agent)
    const known = accounts.get(agent.id) ?? {}
    const diff = Object.fromEntries(Object.entries(account).filter(([name, value]) => known[name] !== value))
    accounts.set(agent.id, account)
    tell('notify-user', `${agent.id}/userData`, () => [{ type: 'updated', id: agent.id, diff, unset: {} }])
  }

  return {
    admit,
    tellAccount,
    tellRoom(room) {
      admit(room)
      const owner = owners.get(room.id)
      if (owner !== undefined) tellOwner(room, owner, 'updated')
      tellChange('room-data', room.id, roomDocument(room, 'staff'))
    },
  }
}
