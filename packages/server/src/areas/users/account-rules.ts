// What a username, an address and a password must be: for the API, the set-up form and the command line alike.
import { ApiError } from '../../api-error.ts'
import { roles as knownRoles } from '../roles/catalogue.ts'

/** Characters of the shortest password, as NIST SP 800-63B has it. */
export const leastPassword = 8

export const usernamePattern = /^[\p{L}\p{N}._-]{1,64}$/u
/** An id that somebody chose stands in addresses by itself, so it is no `.` or `..`. */
export const userIdPattern = /^\w[\w.-]{0,63}$/
export const emailPattern = /^[^@\s]+@[^@\s]+$/

export function isUsername(text: string): boolean {
  return usernamePattern.test(text)
}

export function isUserId(text: string): boolean {
  return userIdPattern.test(text)
}

export function isEmail(text: string): boolean {
  return emailPattern.test(text)
}

/** For the plain password, before it is hashed. */
export function isLongEnough(password: string): boolean {
  return password.length >= leastPassword
}

/** @throws `error-invalid-username` */
export function refuseBadName(text: string): void {
  if (!isUsername(text)) throw new ApiError('error-invalid-username')
}

/** @throws `error-invalid-email` */
export function refuseBadEmail(text: string): void {
  if (!isEmail(text)) throw new ApiError('error-invalid-email')
}

/**
 * For the plain password, before it is hashed.
 * @throws `error-password-policy`
 */
export function refuseWeakPassword(password: string): void {
  if (!isLongEnough(password)) throw new ApiError('error-password-policy')
}

/** @throws `error-invalid-role` */
export function refuseUnknownRoles(roles: readonly string[]): void {
  if (roles.some((role) => !Object.hasOwn(knownRoles, role))) throw new ApiError('error-invalid-role')
}
