import { hash } from 'node:crypto'

/** Says whether two documents are the same, but for when they were written. */
export function digestOf(document: unknown): string {
  const text = JSON.stringify(document, (key, value: unknown) => (key === '_updatedAt' ? undefined : value))
  return hash('sha1', text, 'base64')
}
