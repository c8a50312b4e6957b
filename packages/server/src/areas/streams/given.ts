// What a client gives to a method, read as what it must be. Objects in the place of texts are how queries are smuggled in.

/** A parameter is missing or of another kind than it must be. */
export class Mismatch extends Error {
  override name = 'Mismatch'
}

/** @throws Mismatch */
export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Mismatch('Expected text')
  return value
}

/** @throws Mismatch for anything else that is there */
export function optionalText(value: unknown): string | undefined {
  return value === undefined ? undefined : text(value)
}

/** @throws Mismatch for anything else that is there */
export function optionalNumber(value: unknown): number | undefined {
  if (value !== undefined && typeof value !== 'number') throw new Mismatch('Expected a number')
  return value
}

/** The keys of an object. @throws Mismatch */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Mismatch('Expected an object')
  return value as Record<string, unknown>
}

/** The keys of options that may be left out. @throws Mismatch */
export function optionalFields(value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined || value === null ? {} : fields(value)
}

/** @throws Mismatch */
export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Mismatch('Expected a list')
  return value
}

/** Only what is there: an operation takes a key that is absent, and none that is undefined. */
export function present(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
}
