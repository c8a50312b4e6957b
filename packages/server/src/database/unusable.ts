// Why a database cannot be used, in sentences for the person who can do something about it.
import { dirname, resolve } from 'node:path'
import { DiskFull } from './transaction.ts'

/** The database cannot be used; the message says why, and what to do. */
export class DatabaseUnusable extends Error {
  override name = 'DatabaseUnusable'
}

/** Where it was to be found: as `DatabaseLocation` of open.ts. */
interface Place {
  url?: string | undefined
  /** The file that was being used, where there is one. */
  file: string
}

type Sentence = (place: Place, message: string) => string

const noSpace: Sentence = ({ url, file }) =>
  url === undefined
    ? `The disk of ${dirname(resolve(file))} has no room for what is to be written there. Make room, and start again.`
    : `The disk of ${serverOf(url)} is full.`

const notOurs: Sentence = ({ file }) =>
  `${resolve(file)} or its folder cannot be written by this user. Give the folder, with what is in it, to the user that runs ` +
  'the server, or choose another one with --data.'

const noFolder: Sentence = ({ file }) => `${dirname(resolve(file))} is no folder. Choose another one with --data.`

const damaged: Sentence = ({ file }, message) =>
  `${resolve(file)} is damaged (${message}). Move it away and restore a backup.`

const unreachable: Sentence = ({ url = '' }, message) =>
  `${serverOf(url)} cannot be reached: ${message}. Is it running, and is DESKBELL_DATABASE_URL right?`

const notLetIn: Sentence = ({ url = '' }, message) =>
  `${serverOf(url)} does not let us in: ${message}. Is DESKBELL_DATABASE_URL right?`

/** By the code of the error or, where there is none of that name, by what it begins with. */
const sentences: Readonly<Record<string, Sentence>> = {
  SQLITE_FULL: noSpace,
  SQLITE_IOERR_WRITE: noSpace,
  SQLITE_IOERR_SHMSIZE: noSpace,
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EFBIG: noSpace,
  SQLITE_CANTOPEN: notOurs,
  SQLITE_READONLY: notOurs,
  SQLITE_PERM: notOurs,
  EACCES: notOurs,
  EPERM: notOurs,
  EROFS: notOurs,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
  SQLITE_NOTADB: damaged,
  SQLITE_CORRUPT: damaged,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  ETIMEDOUT: unreachable,
  // PostgreSQL's own (https://www.postgresql.org/docs/current/errcodes-appendix.html).
  '08': unreachable,
  '57P': unreachable,
  '53300': unreachable,
  '53100': noSpace,
  '28': notLetIn,
  '3D000': notLetIn,
  '42501': notLetIn,
}

/** The same failure as a sentence, where somebody can do something about it; any other as it is. */
export function explain(error: unknown, place: Place): unknown {
  if (error instanceof DatabaseUnusable) return error
  if (error instanceof DiskFull) return new DatabaseUnusable(noSpace(place, ''), { cause: error })
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'string') return error
  const known = Object.keys(sentences)
    .filter((start) => code.startsWith(start))
    .sort((one, other) => other.length - one.length)
  const sentence = sentences[known[0] ?? '']
  // What could not be reached at several addresses has no words of its own.
  const words = typeof message === 'string' && message !== '' ? message : code
  return sentence === undefined ? error : new DatabaseUnusable(sentence(place, words), { cause: error })
}

/** Without the password. */
function serverOf(url: string): string {
  return `PostgreSQL at ${URL.parse(url)?.host ?? 'its address'}`
}
