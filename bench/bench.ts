// `npm run bench -- faults|send|start|history|lists|realtime|upload`: measures the server as a user starts it. Quote the ratios: figures of
// runs, and of different machines, do not compare.
import { benchFaults } from './faults.ts'
import { benchHistory } from './history.ts'
import { benchLists } from './lists.ts'
import { print, printMachine } from './report.ts'
import { benchRealtime } from './realtime.ts'
import { benchSend } from './send.ts'
import { benchStart } from './start.ts'
import { benchUpload } from './upload.ts'

const benches: Readonly<Record<string, () => Promise<void>>> = {
  send: benchSend,
  start: benchStart,
  history: benchHistory,
  lists: benchLists,
  realtime: benchRealtime,
  upload: benchUpload,
  faults: benchFaults,
}

// An interrupted run removes its folders too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const [name = ''] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (bench === undefined) {
  print(`usage: npm run bench -- ${Object.keys(benches).join('|')}`)
  process.exitCode = 1
} else {
  printMachine()
  await bench()
}
