/** Whom texts mention, as far as one reader is concerned. */
export interface Mentions {
  /** Texts that name the reader. */
  ofUser: number
  /** Texts that call everybody. */
  ofAll: number
}

/** Counts the texts that mention `@username`, and those that call `@all` or `@here`. */
export function countMentions(texts: readonly string[], username: string): Mentions {
  const user = mentionOf(username)
  return {
    ofUser: texts.filter((text) => user.test(text)).length,
    ofAll: texts.filter((text) => everybody.test(text)).length,
  }
}

const everybody = mentionOf('all', 'here')

/** An `@` inside a word is an address; `@ann` does not mention `anna`, and a full stop may end a sentence. */
function mentionOf(...names: readonly string[]): RegExp {
  const escaped = names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(String.raw`(?<![\w@.-])@(?:${escaped.join('|')})(?![\w-]|\.\w)`, 'i')
}
