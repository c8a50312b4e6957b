// What clients tell each other through a room: who types, and how they arrange calls. Old widgets write and read `typing`,
// newer ones `user-activity`; each is told in both words.
import type { Events } from '@deskbell/contract/events.ts'
import type { Hub, Peer } from '../../realtime/hub.ts'

/** Something that is only good to know now. */
export interface Activity {
  roomId: string
  name: string
  activities: readonly string[]
  /** What visitors read in the place of the name, where it is not for them. */
  nameForVisitors?: string | undefined
  /** Passed on as it came, without the token that proves it. */
  extras?: Record<string, unknown> | undefined
}

/** Tells it to everybody who listens, but for whoever wrote it. */
export function tellActivity(hub: Hub, activity: Activity, except: Peer | undefined): void {
  const { roomId, name, nameForVisitors = name, activities, extras } = activity
  const said = (by: string) => (extras === undefined ? [by, activities] : [by, activities, extras])
  const typing = (by: string) => [by, activities.includes('user-typing')]
  const toBoth = (of: (by: string) => unknown[]) => ({ visitor: of(nameForVisitors), staff: of(name) })
  hub.say('notify-room', `${roomId}/user-activity`, toBoth(said), { except })
  hub.say('notify-room', `${roomId}/typing`, toBoth(typing), { except })
}

/** What arranges a call, as it travels on the bus. */
export type Signal = Omit<Events['room.signalled'], 'from'>

/** Tells it to everybody who listens, but for whoever wrote it. */
export function tellSignal(hub: Hub, { roomId, about, args }: Signal, except: Peer | undefined): void {
  hub.say('notify-room', `${roomId}/${about}`, { visitor: args, staff: args }, { except })
}

const MOST_ARGS = 8

/** What was written to arrange a call, with the token of a visitor who gave one; `undefined` for anything else. */
export function readSignal(key: string, args: readonly unknown[]): (Signal & { token?: unknown }) | undefined {
  const [roomId = '', about, ...rest] = key.split('/')
  if ((about !== 'webrtc' && about !== 'call') || rest.length > 0 || args.length > MOST_ARGS) return undefined
  const { token } = Object.assign({}, ...args.map(asObject)) as { token?: unknown }
  return { roomId, about, args: args.map(withoutTokens), ...(token !== undefined && { token }) }
}

/** Nobody is told a visitor’s secret, however deep it stands in what the visitor’s client wrote. */
function withoutTokens(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTokens)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => key !== 'token' && key !== 'visitorToken')
  return Object.fromEntries(kept.map(([key, part]) => [key, withoutTokens(part)]))
}

/** What was written, with the token of a visitor who wrote it; `undefined` for anything else. */
export function readActivity(key: string, args: readonly unknown[]): (Activity & { token?: unknown }) | undefined {
  const [roomId = '', event, ...rest] = key.split('/')
  const [name, what, ...more] = args
  if (typeof name !== 'string' || name.length > 256 || rest.length > 0) return undefined
  const activities = activitiesOf(event, what)
  if (activities === undefined) return undefined
  const { token, tmid } = Object.assign({}, ...more.map(asObject)) as { token?: unknown; tmid?: unknown }
  // The third argument is told only where one was written.
  const extras =
    event === 'user-activity' && more.length > 0 ? { extras: typeof tmid === 'string' ? { tmid } : {} } : {}
  return { roomId, name, activities, ...extras, ...(token !== undefined && { token }) }
}

function activitiesOf(event: string | undefined, what: unknown): string[] | undefined {
  if (event === 'typing') return typeof what === 'boolean' ? (what ? ['user-typing'] : []) : undefined
  if (event !== 'user-activity' || !Array.isArray(what) || what.length > 8) return undefined
  return what.every((each) => typeof each === 'string' && each.length <= 64) ? what : undefined
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
