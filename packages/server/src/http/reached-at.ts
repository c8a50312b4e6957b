import type { IncomingHttpHeaders } from 'node:http'

/** A name or an address with a port, and nothing that could end it in an address or a page. */
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/**
 * Where the caller reached this server, such as `https://chat.example.org`; `undefined` where no usable host is named. What
 * proxies say of it is believed of as many as the configuration trusts. It is the caller's word: good for answers to that
 * caller, never for what others read.
 */
export function reachedAt(
  headers: IncomingHttpHeaders,
  { isEncrypted, trustProxyHops }: { isEncrypted: boolean; trustProxyHops: number },
): string | undefined {
  const host = forwarded(headers['x-forwarded-host'], trustProxyHops) ?? headers.host
  if (host === undefined || !hostPattern.test(host)) return undefined
  const usual = isEncrypted ? 'https' : 'http'
  const protocol = forwarded(headers['x-forwarded-proto'], trustProxyHops)?.toLowerCase()
  return `${protocol === 'https' || protocol === 'http' ? protocol : usual}://${host.toLowerCase()}`
}

/** What the outermost trusted proxy said: each adds at the end, or passes on what it was given. */
function forwarded(header: string | string[] | undefined, trustProxyHops: number): string | undefined {
  if (trustProxyHops === 0 || header === undefined) return undefined
  const said = [header].flat().join(',').split(',')
  return said[Math.max(0, said.length - trustProxyHops)]?.trim()
}
