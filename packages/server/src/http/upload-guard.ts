import { ApiError } from '../api-error.ts'
import { addressKey } from '../address-key.ts'
import { createBoundedTable, type Remembered } from './bounded-table.ts'

/** What one sender may have running at once, and what it may send within a while. */
export interface UploadQuota {
  readonly uploads: number
  readonly files: number
  readonly bytes: number
  readonly withinMs: number
}

/** Uploads of visitors that run at once. */
export const uploadsAtOnce = { perVisitor: 3, perAddress: 10 }

/** What all visitors behind one address send within a day: an office of fifty passes, a disk is not filled. */
export const addressQuota: UploadQuota = {
  uploads: uploadsAtOnce.perAddress,
  files: Infinity,
  bytes: 1_073_741_824,
  withinMs: 86_400_000,
}

/** Told of bytes as they come. @throws `error-too-many-requests` */
export type CountBytes = (bytes: number) => void

/** Who sends a file. */
export interface UploadSender {
  visitorId: string
  address: string
}

/**
 * Bounds the uploads of visitors in the memory of this process. What was sent counts for its while, deleted or not; what
 * comes counts while it comes, so that uploads at the same time share one quota; what is refused or cut off then counts
 * no longer. The first file of a while may be as large as it may be: it is never too much by itself.
 */
export interface UploadGuard {
  /**
   * Runs an upload; its bytes are told as they come, and are kept in mind where the work succeeds.
   * @throws `error-too-many-requests` before the work begins, or out of the counting of bytes
   */
  run<Result>(sender: UploadSender, work: (count: CountBytes) => Promise<Result>): Promise<Result>
}

export interface UploadGuardOptions {
  now: () => number
  perVisitor: UploadQuota
  /** Absent: addresses are not counted. */
  perAddress: UploadQuota | undefined
}

/** Who has a place to wait for finds one soon: uploads take seconds. */
const PLACE_RETRY_SECONDS = 5

const MOST_REMEMBERED = 50_000

/** A guard in the memory of this process. */
export function createUploadGuard({ now, perVisitor, perAddress }: UploadGuardOptions): UploadGuard {
  const visitors = makeTally(perVisitor, now)
  const addresses = perAddress && makeTally(perAddress, now)

  return {
    async run({ visitorId, address }, work) {
      const counted: [Tally, key: string][] = [[visitors, visitorId]]
      if (addresses !== undefined) counted.push([addresses, addressKey(address)])
      for (const [tally, key] of counted) tally.refuseMore(key)
      const uploads = counted.map(([tally, key]) => tally.begin(key))
      let isSent = false
      try {
        const result = await work((bytes) => {
          for (const upload of uploads) upload.count(bytes)
        })
        isSent = true
        return result
      } finally {
        for (const upload of uploads) upload.end(isSent)
      }
    },
  }
}

interface Tally {
  /** @throws `error-too-many-requests` */
  refuseMore(key: string): void
  begin(key: string): Upload
}

interface Upload {
  count: CountBytes
  end(isSent: boolean): void
}

/** Of one sender; there are no more of these than connections. */
interface Running {
  uploads: number
  bytes: number
}

/** What one sender has sent since its first file of a while. */
interface Sent extends Remembered {
  files: number
  bytes: number
}

/** Counts what senders have running and have sent. */
function makeTally(most: UploadQuota, now: () => number): Tally {
  const running = new Map<string, Running>()
  const sent = createBoundedTable<Sent>(MOST_REMEMBERED)

  const sentBy = (key: string): Sent => sent.get(key, now()) ?? { files: 0, bytes: 0, endsAtMs: now() + most.withinMs }

  function tooMany(key: string): ApiError {
    const held = sent.get(key, now())
    return tooManyFor(held === undefined ? PLACE_RETRY_SECONDS : Math.ceil((held.endsAtMs - now()) / 1_000))
  }

  return {
    refuseMore(key) {
      const { uploads } = running.get(key) ?? { uploads: 0 }
      const { files, bytes } = sentBy(key)
      if (files >= most.files || bytes >= most.bytes) throw tooMany(key)
      if (uploads >= most.uploads || files + uploads >= most.files) throw tooManyFor(PLACE_RETRY_SECONDS)
    },
    begin(key) {
      const all = running.get(key) ?? { uploads: 0, bytes: 0 }
      running.set(key, all)
      all.uploads += 1
      let own = 0
      return {
        count(bytes) {
          own += bytes
          all.bytes += bytes
          const total = all.bytes + sentBy(key).bytes
          if (total > own && total > most.bytes) throw tooMany(key)
        },
        end(isSent) {
          all.uploads -= 1
          all.bytes -= own
          if (all.uploads === 0) running.delete(key)
          if (!isSent) return
          const before = sentBy(key)
          const after = { ...before, files: before.files + 1, bytes: before.bytes + own }
          sent.set(key, after, now())
        },
      }
    },
  }
}

function tooManyFor(retryAfterSeconds: number): ApiError {
  return new ApiError('error-too-many-requests', { details: { retryAfterSeconds } })
}
