import { createHash } from 'node:crypto'

/** Clients send either the password or its SHA-256 (contract §E.1); both are the same secret to us. */
export type GivenPassword = string | { digest: string; algorithm: string }

// 19 MiB and two passes: OWASP's figures for argon2id.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** What is stored of a password: argon2id over its SHA-256 in hex, so that both spellings can be verified. */
export async function hashPassword(password: GivenPassword): Promise<string> {
  const { hash } = await argon2()
  return hash(digestOf(password), cost)
}

/** Whether the password is the stored one. Without a stored one it takes just as long and says no. */
export async function verifyPassword(password: GivenPassword, stored: string | null): Promise<boolean> {
  const { verify } = await argon2()
  const matches = await verify(stored ?? (await decoy()), digestOf(password))
  return matches && stored !== null
}

let decoyHash: Promise<string> | undefined

/** A hash nobody knows the password of: an unknown account must cost as much time as a known one. */
function decoy(): Promise<string> {
  decoyHash ??= hashPassword(crypto.randomUUID())
  return decoyHash
}

/** Loaded with the first password: an idle server needs none of it. */
function argon2() {
  return import('@node-rs/argon2')
}

function digestOf(password: GivenPassword): string {
  if (typeof password !== 'string') return password.digest.toLowerCase()
  return createHash('sha256').update(password).digest('hex')
}
