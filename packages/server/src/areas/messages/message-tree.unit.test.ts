import { asciiList, parse } from '@rocket.chat/message-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPlain, messageTree } from './message-tree.ts'

/** The parser itself, as the reference server sets it up. Only for texts known to be harmless: it can take hours. */
function parserTree(text: string) {
  return text === '' ? [] : parse(text, { colors: true, emoticons: true, katex: { parenthesisSyntax: true } })
}

function paragraph(text: string) {
  return { type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: text }] }
}

const sentences = [
  'Hello, I have a question about my order.',
  "It doesn't work; I've tried everything, and now it's worse!",
  'The price was 12.50 or 1,200.00, wasn’t it? (I paid 10% more.)',
  'We meet at 10:30 on 12.05.2024, OK?',
  'My number: 030 123456 and the code is 2024-01-31',
  'yes/no - both, I think...',
  'hi ',
  'Guten Tag, können Sie mir bitte helfen? Die Rechnung über 49,90 € ist falsch.',
  'Die Bestellung kam „gestern“ an – leider beschädigt.',
  'Olá! Não consigo aceder à minha conta, já tentei três vezes.',
  'Qual é o horário de atendimento? Obrigada pela atenção!',
  '¿Cuándo llega mi pedido? ¡Gracias!',
  '你好，我的订单还没有到。请问什么时候发货？',
  '请帮我查一下：订单号 12345，谢谢！',
  'مرحبا، أريد الاستفسار عن طلبي رقم ١٢٣٤. هل يمكنكم المساعدة؟',
  'Здравствуйте! Подскажите, пожалуйста, когда придёт мой заказ?',
  'Добрий день, я ще не отримав посилку - що робити?',
  'नमस्ते, मेरा ऑर्डर अभी तक नहीं आया।',
  '注文した商品はいつ届きますか。',
]

const withMarkup = [
  '*bold* and _italic_ and ~struck~',
  '# Heading',
  '#general and @anna',
  '> quoted\n> twice',
  '- one\n- two',
  '1. one\n2. two',
  '- [ ] to do\n- [x] done',
  '`code` and\n```js\nlet x = 1\n```',
  'see example.com, https://example.com/a_b?c=d or localhost:3000',
  'look at 10.0.0.1',
  '[our page](https://example.com) and ![picture](https://example.com/a.png)',
  'write to anna@example.com',
  'call [us](+4930123456)',
  'Thanks :)',
  'cool 8) and B) and D: and 0:3',
  ':smile: 👍 and ❤️',
  '👍',
  'color:#ff0000',
  String.raw`\(x^2\) and \*not bold\*`,
  '||secret||',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '---',
  '*costs* $5 or $10, not $$x$$',
  '<https://example.com|here> and <t:1700000000:R>',
  'one\r\ntwo',
]

/** Texts that keep the parser busy: the first for 12 s, the second for longer than anybody waited. */
const hostile = [
  ['*:', 20],
  ['*:', 1_000],
  ['):', 200],
  ['B)', 300],
  ['<3', 500],
  ['>:(', 500],
  ['||![**:__<t:~~<t:\n', 100],
  ['*_~[', 500],
  ['*', 2_000],
  ['[', 2_000],
  ['[\n', 900],
  ['![a](', 400],
  ['`', 2_000],
  ['(', 2_000],
  ['👍', 1_000],
] as const

function characters(text: string): string[] {
  return text.split('')
}

/** Pieces of markup and the characters around it, so that random texts are full of almost-markup. */
const pieces = fc.constantFrom(
  ...characters('aByD80x1 .,:;!?\'"()-/%&$\n'),
  ...['*', '_', '~', '`', '[', ']', '<', '>', '#', '@', '|', '\\', '+', '=', '{', '^', '\t', '\r', '\n'],
  ...[' - ', '...', '. ', ': ', '1. ', '\n- ', '\n2. ', '12', '10.0', '(y)', 't:', 'color:', '://', '](', '---'],
  ...['com', 'de ', '.com', 'www', 'http', 'mailto:', 'localhost', 'é', '你', '。', 'ا', 'ж', 'рф', 'ß'],
  ...['👍', '❤️', 'ℹ', '㊗'],
  ...Object.keys(asciiList),
)
const plainPieces = fc.constantFrom(
  ...characters('aaBDOXy0138  ..,:;!?\'"()-/%&$'),
  ...[' - ', '...', '. ', ': ', '12', '0:3', 'com', 'localhost', 'é', '你', 'ا', 'ж'],
)
const words = fc.string({ unit: fc.constantFrom(...characters('abDeiosXBtß你жا')), minLength: 1, maxLength: 8 })
const ends = fc.constantFrom(
  ...[' ', ' ', ' ', ', ', '. ', '! ', '? ', ': ', '; ', '... ', ' (', ') ', ' - ', ' "', '" ', ' 8'],
  ...['-', '/', "'", '.', '\n'],
)

function textOf(...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.array(fc.tuple(...parts), { maxLength: 16 }).map((all) => all.flat().join(''))
}

describe('a text without markup', () => {
  test.each(sentences)('is known as such without asking the parser: %s', (text) => {
    expect(isPlain(text)).toBe(true)
    expect(messageTree(text)).toEqual([paragraph(text)])
    expect(parserTree(text)).toEqual([paragraph(text)])
  })

  test.each([
    ['random markup', textOf(pieces), 5_000],
    ['harmless characters', textOf(plainPieces), 5_000],
    ['words and punctuation', textOf(words, ends), 5_000],
    ['any characters', fc.string({ unit: 'binary', maxLength: 12 }), 2_000],
  ])('has the tree that the parser gives it (%s)', (_, texts, numRuns) => {
    fc.assert(
      fc.property(texts, (text) => {
        if (!isPlain(text)) return
        expect(messageTree(text)).toEqual(parserTree(text))
        expect(messageTree(text)).toEqual(text === '' ? [] : [paragraph(text)])
      }),
      { numRuns },
    )
  })

  test('has the tree that the parser gives it, whatever character of the basic plane it contains', () => {
    const samples = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code))
      .map((character) => `so ${character} a${character}b 1${character} ${character}${character}`)
      .filter(isPlain)
    expect(samples.length).toBeGreaterThan(45_000)
    for (let start = 0; start < samples.length; start += 100) {
      const text = samples.slice(start, start + 100).join(' ')
      expect(parserTree(text)).toEqual([paragraph(text)])
    }
  })

  test('is read line by line, empty lines included', () => {
    for (const text of ['one\ntwo', 'one\n\ntwo\n', '\none', '\n\n', 'Hello,\n\nwhere is it?\n\nThanks, Anna']) {
      expect(messageTree(text)).toEqual(parserTree(text))
      expect(isPlain(text)).toBe(false)
    }
  })

  test('has no tree when it is empty', () => {
    expect(messageTree('')).toEqual([])
  })
})

describe('a text with markup', () => {
  test.each(withMarkup)('has the tree that the parser gives it: %j', (text) => {
    expect(isPlain(text)).toBe(false)
    expect(messageTree(text)).toEqual(parserTree(text))
  })

  test('has it in a long message too', () => {
    const line = 'Your *order* 1234 is on its way, see https://shop.example.com/orders/1234?lang=en :) or ask us.\n'
    const text = line.repeat(20)
    expect(messageTree(text)).toEqual(parserTree(text))
    expect(JSON.stringify(messageTree(text))).toContain('"BOLD"')
  })

  test.each(Object.keys(asciiList))('never passes for plain because of an emoticon: %s', (emoticon) => {
    for (const text of [emoticon, `so ${emoticon}`, `${emoticon} so`, `so ${emoticon} so`]) {
      if (isPlain(text)) expect(parserTree(text)).toEqual([paragraph(text)])
    }
  })

  test('is shown as written beyond 2,000 characters', () => {
    const text = `*bold*\n\n${'a'.repeat(2_000)}`
    expect(messageTree(text)).toEqual([paragraph('*bold*'), { type: 'LINE_BREAK' }, paragraph('a'.repeat(2_000))])
  })

  test.each(hostile)('is shown as written when the parser would take too long: %j %i times', (piece, times) => {
    const text = piece.repeat(times)
    const lines = text.split('\n').filter((line) => line !== '')
    expect(messageTree(text)).toEqual(lines.map(paragraph))
  })

  test('is recognised as ever after a text that was too much', () => {
    for (const [piece, times] of hostile) {
      messageTree(piece.repeat(times))
      for (const next of withMarkup.slice(0, 4)) expect(messageTree(next)).toEqual(parserTree(next))
    }
  })

  test('never makes it throw, and gives the same tree every time', () => {
    fc.assert(
      fc.property(textOf(pieces), (text) => {
        expect(messageTree(text)).toEqual(messageTree(text))
      }),
      { numRuns: 300 },
    )
  })
})
