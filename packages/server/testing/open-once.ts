// Opens the PostgreSQL database of the first argument as a starting server does, says which migrations it ran, and ends.
import { openDatabase } from '../src/database/open.ts'
import { makeNewId } from '../src/ids.ts'

const database = await openDatabase(
  { dataDir: '', url: process.argv[2] },
  {
    clock: Date.now,
    newId: makeNewId(Date.now),
    reactions: {},
    enqueue: () => Promise.resolve(),
    publish: () => undefined,
  },
)
process.stdout.write(JSON.stringify(database.migrated.names))
await database.close()
