import { parse } from '@rocket.chat/message-parser'
import type { MarkdownAST, Options } from '@rocket.chat/message-parser'

/** The value of `md`: what clients draw instead of parsing the text themselves (contract B.4). */
export type MessageTree = MarkdownAST

/**
 * What the reference server recognises: the nodes of contract B.4 include COLOR, EMOJI and KATEX. Emoticons are on because
 * clients draw `md` and nothing else, so a `:)` that is no EMOJI here is one nowhere. `$` never starts a formula: in a
 * support chat it is a price.
 */
const recognised = { colors: true, emoticons: true, katex: { parenthesisSyntax: true, dollarSyntax: false } } as const

/** Longer texts with markup stay as written. In UTF-16 code units, like every limit on message text. */
const maxMarkupLength = 2_000

/** The most that one text may ask of the parser, in its steps of about 0.1 µs: 15 ms. */
const maxSteps = 150_000

/**
 * The `md` of a message: what `@rocket.chat/message-parser` answers, for every text that it can take in a few milliseconds.
 * Longer texts with markup, and those built to keep the parser busy (forty characters can cost it twelve seconds), come
 * out as written: a PARAGRAPH with one PLAIN_TEXT for each line, a LINE_BREAK for each empty one. An empty text has an
 * empty tree. Never throws, and answers the same every time, but for hours such as `<t:10:00>`, which the parser
 * takes to be today's.
 */
export function messageTree(text: string): MessageTree {
  if (text === '') return []
  if (!maybeMarkup.test(text)) return asWritten(text)
  if (text.length > maxMarkupLength || stepsFor(text) > maxSteps) return asWritten(text)
  return parseWithin(text, maxSteps / (50 + longestWord(text))) ?? asWritten(text)
}

/**
 * Whether the text is certainly one line without markup, whose tree is a PARAGRAPH with one PLAIN_TEXT (none at all for an
 * empty text). `false` says nothing: only characters and neighbourhoods known to be harmless pass. About a
 * hundred times faster than the parser.
 */
export function isPlain(text: string): boolean {
  return !text.includes('\n') && !maybeMarkup.test(text)
}

const maybeMarkup = new RegExp(
  [
    // Whatever is not a letter, a digit or punctuation that means nothing.
    String.raw`[^\p{L}\p{M}\p{Nd}\n .,:;!?'"()\-/%&$€£°§…–—„“”‚‘’«»‹›¿¡、。，！？：；（）「」『』،؛؟।]`,
    // Letters and marks that emoji are made of, and everything beyond the basic plane.
    String.raw`[ℹ\u20e3\ufe00-\ufe0f\u{10000}-\u{10ffff}]`,
    // Lists, which need a blank after their mark, and rules, which may be indented.
    String.raw`^[ \-]|^\d+\. `,
    // Hosts and addresses: a dot inside a word, unless in a number such as 12.50 or a date.
    String.raw`\.[^\n .)"”“’'\d]|[^\d]\.\d|\.\d+\.\d+\.|localhost`,
    // Emoticons. Those made of the characters above have one of : ; ) next to their eyes or mouth, or a hyphen as nose.
    String.raw`(?<![\p{L}\p{M}\p{Nd}"”’)])[:;]|D:|[:;][^\n \d]|[^\d]:\d|:\d(?!\d)`,
    String.raw`(?<![\p{L}\p{M}\p{Nd}.!?"”’])\)|[BX8]\)|\(y|[BX8]-`,
    // A slash or a hyphen that does not join two words.
    String.raw`\/(?![\p{L}\p{Nd}])|(?<![\p{L}\p{M}\p{Nd}])\/`,
    String.raw`-(?![\p{L}\p{Nd} ])|(?<![\p{L}\p{M}\p{Nd} ])-`,
  ].join('|'),
  'mu',
)

/** The tree of a text in which nothing is recognised. */
function asWritten(text: string): MessageTree {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) =>
    line === ''
      ? { type: 'LINE_BREAK', value: undefined }
      : { type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: line }] },
  )
}

/**
 * About how many steps the parser needs, emoticons apart; fitted to the worst texts that a search found, so most need far
 * fewer. It forgets what it tried: a mark that is not closed makes it read the rest of the line again, each further
 * kind of mark multiplies that, a long word is read to its end at each place where a link could start, and an open
 * bracket is looked for across lines.
 */
function stepsFor(text: string): number {
  const lines = text.split('\n').map(stepsForLine)
  return lines.reduce((sum, steps) => sum + steps, 8 * count(text, /\[/g) * text.length)
}

function stepsForLine(line: string): number {
  const kinds = new Set(line.match(/[*_~[|<]/g)).size
  const marks = count(line, /[*_~[|<\u2190-\u2bff\ud800-\udfff]/g)
  const starts = 1 + count(line, /[^\p{L}\p{M}\p{N}.,]/gu)
  const word = longestWord(line)
  return 4 ** Math.max(0, kinds - 1) * (starts * (60 + word) + marks * (500 + line.length + 5 * word))
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

function longestWord(text: string): number {
  return text.split(/[ \t\n]/).reduce((longest, word) => Math.max(longest, word.length), 0)
}

/** The parser's answer, or undefined when it looked for an emoticon more often than allowed. */
function parseWithin(text: string, maxLooks: number): MessageTree | undefined {
  let looks = 0
  const options: Options = {
    ...recognised,
    // In a row of emoticons (`*:*:*:`) the parser tries all that follow twice for each one: 2ⁿ. It asks for this option at
    // every try, and "no" lets it end soon. Throwing would not do: its module keeps state that only a full run resets.
    get emoticons() {
      looks += 1
      return looks <= maxLooks
    },
  }
  try {
    const tree = parse(text, options)
    return looks <= maxLooks ? tree : undefined
  } catch {
    return undefined
  }
}
