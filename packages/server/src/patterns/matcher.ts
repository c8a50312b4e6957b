// The thread that runs administrators' patterns. It may hang or run out of memory: patterns.ts ends it then.
import { parentPort } from 'node:worker_threads'
import type { Answer, Question } from './patterns.ts'

const MOST_FOUND = 20

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answerTo(question)))
parentPort?.postMessage('ready')

function answerTo({ pattern, flags, text, asks }: Question): Answer {
  let expression: RegExp
  try {
    expression = new RegExp(pattern, flags)
  } catch {
    return { kind: 'invalid' }
  }
  if (asks === 'match') return { kind: 'done', found: expression.test(text) ? [''] : [] }
  const found: string[] = []
  for (const [match] of text.matchAll(expression)) {
    if (found.length === MOST_FOUND) break
    if (match !== '') found.push(match)
  }
  return { kind: 'done', found }
}
