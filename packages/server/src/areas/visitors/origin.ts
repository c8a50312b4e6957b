import { hash } from 'node:crypto'
import { addressKey } from '../../address-key.ts'

/** Of the network a call came from, just enough to know it again: the address itself is kept only where a setting allows. */
export function originOf(address: string): string {
  return hash('sha256', addressKey(address), 'base64url').slice(0, 22)
}
