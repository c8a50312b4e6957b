import { afterEach, beforeEach, expect, test } from 'vitest'
import { listMarks, openBareDatabase, writeMark, type BareDatabase } from '../../testing/bare-database.ts'

let database: BareDatabase
let failures: unknown[]
beforeEach(async () => {
  failures = []
  database = await openBareDatabase({ onLeftUndone: (error) => void failures.push(error) })
})
afterEach(() => database.remove())

test('what a rule asks for afterwards sees what it wrote, and is done before the caller is answered', async () => {
  const steps: string[][] = []
  const result = await database.transact(async (tx) => {
    await writeMark(tx, 'first')
    tx.afterwards('look', async ({ read, transact }) => {
      steps.push(await listMarks({ reader: read }))
      await transact((next) => writeMark(next, 'second'))
    })
    return 'done'
  })
  expect(result).toBe('done')
  expect(steps).toEqual([['first']])
  expect(await listMarks(database)).toEqual(['first', 'second'])
})

test('what is asked for twice under one name is done once, and what follows may ask for more', async () => {
  const done: string[] = []
  await database.transact((tx) => {
    tx.afterwards('a', async ({ transact }) => {
      done.push('a')
      await transact((next) => {
        next.afterwards('a', () => Promise.resolve(done.push('a of a')))
        return Promise.resolve()
      })
    })
    tx.afterwards('b', () => Promise.resolve(done.push('b')))
    tx.afterwards('a', () => Promise.resolve(done.push('again')))
    return Promise.resolve()
  })
  expect(done).toEqual(['a', 'a of a', 'b'])
})

test('nothing follows a rule that failed', async () => {
  const done: string[] = []
  await expect(
    database.transact(async (tx) => {
      tx.afterwards('never', () => Promise.resolve(done.push('never')))
      await writeMark(tx, 'never')
      throw new Error('refused')
    }),
  ).rejects.toThrow('refused')
  expect(done).toEqual([])
  expect(await listMarks(database)).toEqual([])
})

test('where what follows fails, the caller is answered all the same, and the failure is told', async () => {
  const failed = new Error('out of luck')
  const answer = await database.transact(async (tx) => {
    await writeMark(tx, 'kept')
    tx.afterwards('fails', () => Promise.reject(failed))
    return 'kept'
  })
  expect(answer).toBe('kept')
  expect(failures).toEqual([failed])
  expect(await listMarks(database)).toEqual(['kept'])
})
