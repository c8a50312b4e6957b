// After a whole test run: every error that an operation declares must have been provoked by some test.
// DESKBELL_TEST_REFUSALS names the file that the run wrote.
import { readFileSync } from 'node:fs'
import { contract } from '../packages/contract/src/contract.ts'
import type { Operation } from '../packages/contract/src/operation.ts'

const file = process.env['DESKBELL_TEST_REFUSALS']
if (file === undefined) throw new Error('DESKBELL_TEST_REFUSALS names no file.')
const provoked = new Set(readFileSync(file, 'utf8').split('\n'))

const gaps = Object.entries(contract as Readonly<Record<string, Operation>>).flatMap(([key, operation]) =>
  Object.keys(operation.errors)
    .filter((code) => !provoked.has(`${key}\t${code}`))
    .map((code) => `${key}: ${code}`),
)
for (const gap of gaps) process.stderr.write(`No test provokes ${gap}\n`)
process.exitCode = gaps.length === 0 ? 0 : 1
