import type { Config } from '../../config.ts'
import type { RequestInfo } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { findSiteUrl, readSettings } from '../settings/settings.ts'

/** What decides. */
export const originSettings: ReadonlySet<string> = new Set(['Realtime_Allowed_Origins', 'Site_Url'])

/**
 * Whether somebody may be signed in on a socket that this request opened (promises A33). Browsers say which page opens one:
 * it must be of this server, or of an origin that the administrator names. Programs that are no browsers say nothing.
 */
export async function maySignInFrom(
  reader: Reader,
  config: Config,
  { origin, host }: Pick<RequestInfo, 'origin' | 'host'>,
): Promise<boolean> {
  if (origin === undefined) return true
  const { Realtime_Allowed_Origins: named } = await readSettings(reader)
  const allowed = named.split(',').map((each) => each.trim().replace(/\/$/, ''))
  if (allowed.includes('*') || allowed.includes(origin)) return true
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url === undefined) return false
  const siteUrl = await findSiteUrl(reader, config)
  return url.host === host || (siteUrl !== undefined && url.origin === new URL(siteUrl).origin)
}
