import { Resolver } from 'node:dns/promises'

const TIMEOUT_MS = 3_000

/**
 * Answers whether the domain of an address names servers that take its mail (MX), as the name servers tell, or the
 * system's where none are given. A domain of which nothing can be learnt in a few seconds counts as one that does not.
 */
export function makeTakesMail(nameServers?: readonly string[]): (address: string) => Promise<boolean> {
  return async (address) => {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 })
    if (nameServers !== undefined) resolver.setServers([...nameServers])
    const domain = address.slice(address.lastIndexOf('@') + 1)
    const found = await resolver.resolveMx(domain).catch(() => [])
    // A single empty name says that the domain takes no mail (RFC 7505).
    return found.some(({ exchange }) => exchange !== '')
  }
}
