// The thread that runs scans (scans.ts). It can only read.
import { parentPort, workerData } from 'node:worker_threads'
import type { Answer, Question } from './scans.ts'
import { openSqliteFile, sqliteExecutor } from './sqlite-file.ts'

const port = parentPort
const connection = openSqliteFile(workerData as string, { readonly: true })
const execute = sqliteExecutor(connection, { readsOnly: true })

port?.on('message', (question: Question | 'close') => {
  if (question === 'close') {
    connection.close()
    port.close()
    return
  }
  void answer(question)
})

async function answer({ id, sql, values }: Question): Promise<void> {
  const told: Answer = await execute.all(sql, values).then(
    (rows) => ({ id, rows }),
    (error: unknown) => ({ id, error: error instanceof Error ? error : new Error(String(error)) }),
  )
  port?.postMessage(told)
}
