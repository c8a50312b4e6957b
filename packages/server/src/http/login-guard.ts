import { hash } from 'node:crypto'
import { addressKey } from '../address-key.ts'
import { createBoundedTable, type BoundedTable } from './bounded-table.ts'

/** When failed sign-ins begin to slow further ones down, and how far. */
export const loginLimits = {
  /** Failures without delay: of one account, and of everybody behind one address. */
  freePerAccount: 10,
  freePerAddress: 50,
  /** The first delay; each further failure doubles it. */
  firstDelayMs: 1000,
  longestDelayMs: 5 * 60_000,
  /** Failures count until there was none for so long. Longer than the longest delay, or waiting would be free. */
  forgetAfterMs: 15 * 60_000,
  /** How long an address stays familiar with an account that signed in from it. */
  familiarForMs: 30 * 24 * 60 * 60_000,
} as const

export type LoginPermit = { allowed: true } | { allowed: false; retryAfterSeconds: number }

/**
 * Slows password guessing down, per account and per address. Accounts are strings, known or not, and all are treated
 * alike. Give the id of the account if there is one, so that name and e-mail address count together, else what was typed.
 */
export interface LoginGuard {
  /**
   * Asks before the password is checked. The attempt counts as failed from now on until `succeed`, so that guesses
   * sent at the same moment count as well. Refused attempts do not count.
   */
  begin(account: string, address: string): LoginPermit
  /**
   * Takes back the failures of this account from this address, and no others: who guesses cannot clear them by signing
   * in elsewhere in between. From then on only failures of this pair slow it down, so strangers cannot lock people out.
   */
  succeed(account: string, address: string): void
}

export interface LoginGuardOptions {
  /** Milliseconds. When the clock is set back, delays run on from there. */
  now: () => number
  /** Entries held in each of the three tables. */
  maxEntries?: number
}

interface Count {
  failures: number
  lastAtMs: number
  endsAtMs: number
}

interface PairCount extends Count {
  isFamiliar: boolean
}

/** A guard in the memory of this process. */
export function createLoginGuard({ now, maxEntries = 50_000 }: LoginGuardOptions): LoginGuard {
  const accounts = createBoundedTable<Count>(maxEntries)
  const addresses = createBoundedTable<Count>(maxEntries)
  const pairs = createBoundedTable<PairCount>(maxEntries)

  return {
    begin(account, address) {
      const nowMs = now()
      const keys = keysOf(account, address)
      const pair = find(pairs, keys.pair, nowMs)
      const waitMs = pair?.isFamiliar
        ? waitOf(pair, loginLimits.freePerAccount, nowMs)
        : Math.max(
            waitOf(find(accounts, keys.account, nowMs), loginLimits.freePerAccount, nowMs),
            waitOf(find(addresses, keys.address, nowMs), loginLimits.freePerAddress, nowMs),
          )
      if (waitMs > 0) return { allowed: false, retryAfterSeconds: Math.ceil(waitMs / 1000) }

      const counted = oneMore(pair, nowMs)
      if (pair?.isFamiliar) {
        pairs.set(keys.pair, { ...counted, isFamiliar: true, endsAtMs: pair.endsAtMs }, nowMs)
      } else {
        pairs.set(keys.pair, { ...counted, isFamiliar: false }, nowMs)
        accounts.set(keys.account, oneMore(find(accounts, keys.account, nowMs), nowMs), nowMs)
        addresses.set(keys.address, oneMore(find(addresses, keys.address, nowMs), nowMs), nowMs)
      }
      return { allowed: true }
    },
    succeed(account, address) {
      const nowMs = now()
      const keys = keysOf(account, address)
      const pair = find(pairs, keys.pair, nowMs)
      if (pair && !pair.isFamiliar) {
        takeBack(accounts, keys.account, pair.failures, nowMs)
        takeBack(addresses, keys.address, pair.failures, nowMs)
      }
      const endsAtMs = nowMs + loginLimits.familiarForMs
      pairs.set(keys.pair, { failures: 0, lastAtMs: nowMs, endsAtMs, isFamiliar: true }, nowMs)
    },
  }
}

function keysOf(account: string, address: string): { account: string; address: string; pair: string } {
  // Hashed: what was typed may be long, or a password typed into the wrong field.
  const who = hash('sha256', account.trim().toLowerCase(), 'base64')
  const where = addressKey(address)
  return { account: who, address: where, pair: `${who} ${where}` }
}

function find<Kind extends Count>(table: BoundedTable<Kind>, key: string, nowMs: number): Kind | undefined {
  const count = table.get(key, nowMs)
  if (count && count.lastAtMs > nowMs) count.lastAtMs = nowMs
  return count
}

/** Milliseconds until the next attempt may be made; 0 for at once. */
function waitOf(count: Count | undefined, free: number, nowMs: number): number {
  const failures = count === undefined ? 0 : failuresOf(count, nowMs)
  if (count === undefined || failures < free) return 0
  const delayMs = Math.min(loginLimits.longestDelayMs, loginLimits.firstDelayMs * 2 ** (failures - free))
  return delayMs - (nowMs - count.lastAtMs)
}

function oneMore(count: Count | undefined, nowMs: number): Count {
  const failures = count === undefined ? 0 : failuresOf(count, nowMs)
  return { failures: failures + 1, lastAtMs: nowMs, endsAtMs: nowMs + loginLimits.forgetAfterMs }
}

/** A familiar pair outlives its failures. */
function failuresOf({ failures, lastAtMs }: Count, nowMs: number): number {
  return nowMs - lastAtMs >= loginLimits.forgetAfterMs ? 0 : failures
}

function takeBack(table: BoundedTable<Count>, key: string, failures: number, nowMs: number): void {
  const count = find(table, key, nowMs)
  if (count) table.set(key, { ...count, failures: Math.max(0, count.failures - failures) }, nowMs)
}
