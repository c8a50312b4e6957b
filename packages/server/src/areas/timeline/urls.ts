// Whom and what a text points to. `mentions` and `channels` of livechat messages stay empty (contract B.4 allows it): to
// answer them, the server would tell a visitor who guesses a name which staff accounts exist.

const maxUrls = 10

// Documents are made at every reading, so a text full of one address must not cost more than a text with a few.
const maxLooks = 40

// Characters that RFC 3986 allows, and letters beyond ASCII; without [ ], which in messages belong to Markdown.
const webAddress = /(?<![\p{L}\p{Nd}+.-])https?:\/\/[^\s<>"`{}|\\^[\]]+/giu

/**
 * The web addresses in a text as `urls` lists them (contract B.4): http and https only, as written, each once, the first
 * ten, among the first forty places that look like one.
 * Nothing is ever fetched (promises A29). Linear in the length of the text.
 */
export function findUrls(text: string): { url: string }[] {
  const found = new Set<string>()
  let looks = 0
  for (const [match] of text.matchAll(webAddress)) {
    if (++looks > maxLooks) break
    const url = withoutSentenceEnd(match)
    if (URL.canParse(url)) found.add(url)
    if (found.size === maxUrls) break
  }
  return [...found].map((url) => ({ url }))
}

/** Cuts what belongs to the sentence around an address: its full stop, its closing quote, the bracket it stands in. */
function withoutSentenceEnd(address: string): string {
  let unmatched = address.split(')').length - address.split('(').length
  let end = address.length
  for (; end > 0; end--) {
    const last = address.charAt(end - 1)
    if (last === ')' && unmatched > 0) unmatched -= 1
    else if (!`.,;:!?'*_~”’»。，！？）`.includes(last)) break
  }
  return address.slice(0, end)
}
