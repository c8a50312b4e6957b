// The last line of .ci/run: how many tests passed and failed, from vitest's report. Plain JavaScript, so that it runs on
// whatever Node is there when nothing else has been installed.
import { existsSync, readFileSync } from 'node:fs'

const [file = '', exitCode = '1'] = process.argv.slice(2)
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests: skipped = 0 } = report
// A step that failed without a failing test counts as one.
const failed = numFailedTests === 0 && exitCode !== '0' ? 1 : numFailedTests
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
