// What people's own consoles know of themselves: their account, and the departments they work in (contract §C.14.3).
import type { Reader } from '../../database/transaction.ts'
import type { Hub } from '../../realtime/hub.ts'
import { listMembershipsOf } from '../departments/departments.ts'
import { findUserById } from '../users/users.ts'
import { listDepartmentMembers } from './membership-store.ts'
import { accountForOwner } from './wire.ts'

const ACCOUNT = 'userData'
const DEPARTMENTS = 'departmentAgentData'

type Account = Readonly<Record<string, unknown>>

/** A place in a department as it was told. */
interface Told {
  id: string
  state: string
}

export class OwnDocuments {
  readonly #options: { read: Reader; hub: Hub }
  readonly #accounts = new Map<string, Account>()
  /** By user and department. */
  readonly #places = new Map<string, Map<string, Told>>()

  constructor(options: { read: Reader; hub: Hub }) {
    this.#options = options
  }

  /** Somebody's console listens from now on: what is so already was asked for. */
  async begin(userId: string, event: string): Promise<void> {
    const { read } = this.#options
    if (event === ACCOUNT && !this.#accounts.has(userId)) {
      const user = await findUserById(read, userId)
      if (user !== undefined) this.#accounts.set(userId, accountForOwner(user))
    }
    if (event !== DEPARTMENTS || this.#places.has(userId)) return
    const places = new Map<string, Told>()
    this.#places.set(userId, places)
    for (const { id, departmentId, ...state } of await listMembershipsOf(read, userId))
      places.set(departmentId, { id, state: stateOf(state) })
  }

  /** Tells somebody what is different in the own account. */
  async tellAccount(userId: string): Promise<void> {
    const before = this.#accounts.get(userId)
    if (before === undefined) return
    if (!this.#hears(userId, ACCOUNT)) {
      this.#accounts.delete(userId)
      return
    }
    const user = await findUserById(this.#options.read, userId)
    if (user === undefined) return
    const after = accountForOwner(user)
    this.#accounts.set(userId, after)
    const { diff, unset } = differenceOf(before, after)
    if (Object.keys(diff).length + Object.keys(unset).length > 0)
      this.#say(userId, ACCOUNT, { type: 'updated', id: userId, diff, unset })
  }

  /** Somebody's account is gone. */
  tellAccountGone(userId: string): void {
    this.#accounts.delete(userId)
    this.#say(userId, ACCOUNT, { type: 'removed', id: userId })
  }

  /** Tells everybody who came into a department, left it, or has another place there. */
  async tellDepartment(departmentId: string): Promise<void> {
    for (const userId of this.#places.keys()) if (!this.#hears(userId, DEPARTMENTS)) this.#places.delete(userId)
    const userIds = [...this.#places.keys()]
    if (userIds.length === 0) return
    const rows = await listDepartmentMembers(this.#options.read, departmentId, userIds)
    const now = new Map(rows.map(({ id, agentId, ...state }) => [agentId, { id, state: stateOf(state) }]))
    for (const userId of userIds) this.#tellPlace(userId, departmentId, now.get(userId))
  }

  #tellPlace(agentId: string, departmentId: string, now: Told | undefined): void {
    const places = this.#places.get(agentId)
    const before = places?.get(departmentId)
    if (places === undefined || before?.state === now?.state) return
    if (now === undefined) places.delete(departmentId)
    else places.set(departmentId, now)
    this.#say(agentId, DEPARTMENTS, { ...changeOf(before, now), agentId, departmentId })
  }

  #hears(userId: string, event: string): boolean {
    return this.#options.hub.isHeard('notify-user', `${userId}/${event}`)
  }

  #say(userId: string, event: string, argument: unknown): void {
    this.#options.hub.say('notify-user', `${userId}/${event}`, { staff: [argument] })
  }
}

function changeOf(before: Told | undefined, now: Told | undefined): { action: string; _id: string | undefined } {
  if (now === undefined) return { action: 'removed', _id: before?.id }
  return { action: before === undefined ? 'inserted' : 'updated', _id: now.id }
}

function stateOf({ isEnabled, position }: { isEnabled: boolean; position: number }): string {
  return `${String(isEnabled)}/${String(position)}`
}

/** What is another value now, and what is no more. */
function differenceOf(before: Account, after: Account) {
  const isSame = (key: string) => JSON.stringify(before[key]) === JSON.stringify(after[key])
  const changed = Object.keys(after).filter((key) => after[key] !== undefined && !isSame(key))
  const gone = Object.keys(before).filter((key) => before[key] !== undefined && after[key] === undefined)
  // When it was written is no news by itself.
  const diff = Object.fromEntries(changed.filter((key) => key !== '_updatedAt').map((key) => [key, after[key]]))
  return { diff, unset: Object.fromEntries(gone.map((key) => [key, 1])) }
}
