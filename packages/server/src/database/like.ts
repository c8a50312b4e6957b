// Patterns for `like … escape '\'`: what people type is text to look for, and no pattern of its own.

/** A pattern that any text matches which has this in it. */
export function likeAnywhere(part: string): string {
  return `%${escapeLike(part)}%`
}

/** Text in which nothing has a meaning of its own to `like`. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`)
}
