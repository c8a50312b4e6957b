// Who types. Old widgets write and read `typing`, newer ones `user-activity`; each is told in both words.
import type { Hub, Peer } from '../../realtime/hub.ts'

/** Something that is only good to know now. */
export interface Activity {
  roomId: string
  name: string
  activities: readonly string[]
  /** Passed on as it came, without the token that proves it. */
  extras?: Record<string, unknown> | undefined
}

/** Tells it to everybody who listens, but for whoever wrote it. */
export function tellActivity(hub: Hub, { roomId, name, activities, extras }: Activity, except: Peer | undefined): void {
  const activity = extras === undefined ? [name, activities] : [name, activities, extras]
  const typing = [name, activities.includes('user-typing')]
  hub.say('notify-room', `${roomId}/user-activity`, { visitor: activity, staff: activity }, { except })
  hub.say('notify-room', `${roomId}/typing`, { visitor: typing, staff: typing }, { except })
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
