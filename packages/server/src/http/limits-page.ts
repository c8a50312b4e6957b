import type { Operation, OperationTable } from '@deskbell/contract/operation.ts'
import { DISK_FLOOR_BYTES } from '../files/files.ts'
import { bodyLimitBytes } from './body.ts'
import { formOptions } from './form.ts'
import { leastRate } from './least-rate.ts'
import { loginLimits } from './login-guard.ts'
import { lettersPerRecipient, limits, newTokens, unknownTokens, type Budget } from './rate-limit.ts'
import { addressQuota, type UploadQuota } from './upload-guard.ts'
import { maxDepth } from './validate.ts'

/** docs/limits.md, made from the tables that the server itself goes by. */
export function limitsPage(
  areas: Readonly<Record<string, OperationTable>>,
  quota: UploadQuota,
  sockets: SocketFigures,
): string {
  return [
    '# Limits',
    '',
    '<!-- Made from packages/server/src/http and the contract by `npm run openapi`. Do not edit. -->',
    '',
    '## Calls',
    '',
    'Each figure is a bucket: it allows that many calls at once and fills up evenly within the minute. A caller is a visitor’s',
    'token or a signed-in user; an address is an IPv4 address or an IPv6 /64. Over a limit the answer is `429` with',
    '`Retry-After`; it is not counted. `DESKBELL_RATE_LIMITS=off` switches all of this off, for load tests; the permission',
    '`api-bypass-rate-limit` frees a user. Administrators widen or narrow all of it by two settings that the wire knows as one',
    'figure for every operation: `API_Enable_Rate_Limiter_Limit_Calls_Default` and `API_Enable_Rate_Limiter_Limit_Time_Default`.',
    'Their usual values, 10 calls in 60,000 ms, stand for this table; 20 calls double every figure. The setting',
    '`API_Enable_Rate_Limiter` switches the table off. None of the three touches failed sign-ins or unknown tokens, unless',
    'the table is off: then unknown tokens are not counted.',
    '',
    '| Class | Counts | A caller, per minute | An address, per minute |',
    '|---|---|--:|--:|',
    ...Object.entries(limits).map(
      ([name, { meaning, perCaller, perAddress, perOperation }]) =>
        `| \`${name}\` | ${meaning}${perOperation === true ? ' (each operation by itself)' : ''} | ${figure(perCaller)} | ${figure(perAddress)} |`,
    ),
    '',
    ...Object.entries(limits).flatMap(([name, { perServer }]) =>
      perServer === undefined ? [] : [`Of \`${name}\` the whole server takes ${figure(perServer)}.`],
    ),
    '',
    `Of the transcripts that visitors ask for, ${figure(lettersPerRecipient.asked)} go to one mail address, whoever asks. Of those that`,
    `are always sent when a chat ends (\`Livechat_transcript_send_always\`), ${figure(lettersPerRecipient.always)}; the others are not sent, and the log`,
    'says so. Each process counts by itself.',
    '',
    `An address that shows more than ${figure(unknownTokens)} unknown visitor tokens in a minute is refused wherever a known token is`,
    'needed; visitors who were recognised there go on undisturbed. Where an unknown token is no error, in',
    `\`livechat/config\`, an address is told of its visitors until it has shown ${figure(newTokens)} new tokens in a minute. The class of`,
    'an operation is its `x-rate-limit-class` in `openapi.json`.',
    '',
    '## Failed sign-ins',
    '',
    `After ${String(loginLimits.freePerAccount)} failures of one account, or ${String(loginLimits.freePerAddress)} from one address, the next attempt has to wait: first ${seconds(loginLimits.firstDelayMs)}, then`,
    `twice as long each time, ${minutes(loginLimits.longestDelayMs)} at most. Failures are forgotten after ${minutes(loginLimits.forgetAfterMs)} without one. An address from which`,
    'an account has signed in before is counted by itself, so that strangers cannot lock its owner out.',
    '',
    ...fileRules(quota),
    ...socketRules(sockets),
    '## Requests',
    '',
    `A body has at most ${String(bodyLimitBytes / 1024)} KiB. Objects and lists nest at most ${String(maxDepth)} deep. Texts are well-formed Unicode without NUL.`,
    'Longest texts and lists, wherever an operation has a parameter of that name:',
    '',
    '| At most | Parameters |',
    '|--:|---|',
    ...fieldRows(areas),
    '',
  ].join('\n')
}

/** What sockets may, as realtime/ has it. */
export interface SocketFigures {
  ofAddress: { sockets: number; idleSockets: number; subscriptions: number; framesPerMinute: number }
  ofSocket: {
    connectWithinMs: number
    deadAfterMs: number
    pending: number
    subscriptions: number
    bufferedBytes: number
    framesPerMinute: { anonymous: number; staff: number }
  }
  frameBytes: number
}

function socketRules({ ofAddress, ofSocket, frameBytes }: SocketFigures): string[] {
  return [
    '## Sockets',
    '',
    '| Figure | Of a socket | Of an address |',
    '|---|--:|--:|',
    `| Sockets | | ${String(ofAddress.sockets)} |`,
    `| Sockets that listen to nothing, are no visitor’s, and on which nobody signed in | | ${String(ofAddress.idleSockets)} |`,
    `| Subscriptions | ${String(ofSocket.subscriptions)} | ${String(ofAddress.subscriptions)} |`,
    `| Requests a minute, signed in | ${String(ofSocket.framesPerMinute.staff)} | |`,
    `| Requests a minute of everybody else | ${String(ofSocket.framesPerMinute.anonymous)} | ${String(ofAddress.framesPerMinute)} |`,
    `| Requests that wait | ${String(ofSocket.pending)} | |`,
    `| A frame | ${String(frameBytes / 1_024)} KiB | |`,
    `| What waits to be read by the client | ${mebibytes(ofSocket.bufferedBytes)} | |`,
    `| Time to say \`connect\` | ${seconds(ofSocket.connectWithinMs)} | |`,
    `| Silence | ${seconds(ofSocket.deadAfterMs)} | |`,
    '',
    'A socket that goes beyond its own figures is closed. Beyond those of the address a socket is refused with `429`, and a request',
    'with `too-many-requests` or `too-many-subscriptions`, while the others go on. The figures of an address are widened,',
    'narrowed and switched off with those of calls; each process counts by itself. What a method does is counted as the',
    'operation behind it, too.',
    '',
  ]
}

function fileRules(quota: UploadQuota): string[] {
  return [
    '## Files',
    '',
    `A visitor sends at most ${String(quota.files)} files within ${String(quota.withinMs / 3_600_000)} hours, and more than one only up to ${mebibytes(quota.bytes)} together; then the answer is \`429\`. How large`,
    `one file may be is the setting \`FileUpload_MaxFileSize\`; where that names no limit, a visitor’s file has ${mebibytes(quota.bytes)} at most.`,
    'Files deleted in this time count until the server starts again.',
    '',
    `A visitor has at most ${String(quota.uploads)} uploads running, and all visitors of an address ${String(addressQuota.uploads)}. These send at most ${mebibytes(addressQuota.bytes)} within ${String(addressQuota.withinMs / 3_600_000)} hours`,
    'from the first file on; a first file alone is never too much. Over it the answer is `429` with `Retry-After`. Addresses are',
    'kept in memory, of each process by itself, and not counted with `DESKBELL_RATE_LIMITS=off`.',
    '',
    `A file that would leave less than ${mebibytes(DISK_FLOOR_BYTES)} of the disk free is refused with \`503\`, whoever sends it.`,
    '',
    `A form has one file and at most ${String(formOptions.limits.fields)} texts of ${String(formOptions.limits.fieldSize / 1_000)} kB each. An upload that brings less than ${String(leastRate.bytes / 1_024)} KiB in ${seconds(leastRate.everyMs)} is`,
    'ended. A link to a file in a history opens it for an hour; a file stored with `rooms.media` waits a day to be sent.',
    '',
  ]
}

/** Calls in a minute, or in an hour where it says so. */
function figure({ calls, windowMs }: Budget): string {
  return windowMs === 3_600_000 ? `${String(calls)} an hour` : String((calls * 60_000) / windowMs)
}

function mebibytes(bytes: number): string {
  return `${String(bytes / 1_048_576)} MiB`
}

function seconds(ms: number): string {
  return ms === 1_000 ? 'a second' : `${String(ms / 1_000)} seconds`
}

function minutes(ms: number): string {
  return `${String(ms / 60_000)} minutes`
}

function fieldRows(areas: Readonly<Record<string, OperationTable>>): string[] {
  const found = Object.values(areas)
    .flatMap((area) => Object.values(area))
    .flatMap(({ params, query, body }: Operation) => [params, query, body].flatMap((part) => limitsIn('', part)))
  const byLimit = Map.groupBy(found, ({ limit }) => limit)
  const order = (limit: string) => Number.parseInt(limit)
  return [...byLimit]
    .sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
    .map(([limit, fields]) => {
      const names = [...new Set(fields.map(({ field }) => `\`${field}\``))].sort()
      return `| ${limit} | ${names.join(', ')} |`
    })
}

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  maxLength?: number
  maxItems?: number
}

function limitsIn(field: string, schema: Schema | undefined): { field: string; limit: string }[] {
  if (schema === undefined) return []
  const { maxLength, maxItems, items, anyOf = [], properties = {} } = schema
  return [
    ...(maxLength === undefined ? [] : [{ field, limit: `${String(maxLength)} characters` }]),
    ...(maxItems === undefined ? [] : [{ field, limit: `${String(maxItems)} entries` }]),
    ...limitsIn(`${field}[]`, items),
    ...anyOf.flatMap((one) => limitsIn(field, one)),
    ...Object.entries(properties).flatMap(([name, part]) => limitsIn(field === '' ? name : `${field}.${name}`, part)),
  ]
}
