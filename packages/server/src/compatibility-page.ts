import type { OperationKey } from '@deskbell/contract/contract.ts'
import type { Operation, OperationTable } from '@deskbell/contract/operation.ts'

// The endpoint list that the product was asked for with, in its order: the public index of the Omnichannel livechat
// endpoints of 2021. Its spellings are kept; where a newer one exists the operation has it as an alias or beside it.
const asked: Readonly<Record<string, readonly OperationKey[]>> = {
  Agent: ['GET /livechat/agent.info/:rid/:token', 'GET /livechat/agent.next/:token'],
  Configuration: ['GET /livechat/config'],
  Contacts: ['POST /omnichannel/contact', 'GET /omnichannel/contact', 'GET /omnichannel/contact.search'],
  'Custom fields': [
    'POST /livechat/custom.field',
    'POST /livechat/custom.fields',
    'GET /livechat/custom-fields',
    'GET /livechat/custom-fields/:_id',
  ],
  Messages: [
    'POST /livechat/message',
    'GET /livechat/message/:_id',
    'PUT /livechat/message/:_id',
    'DELETE /livechat/message/:_id',
    'GET /livechat/messages.history/:rid',
    'POST /livechat/messages',
  ],
  'Offline messages': ['POST /livechat/offline.message'],
  'Pages visited': ['POST /livechat/page.visited'],
  Rooms: [
    'GET /livechat/room',
    'POST /livechat/room.close',
    'POST /livechat/room.survey',
    'POST /livechat/room.transfer',
    'POST /livechat/room.forward',
    'PUT /livechat/room.visitor',
    'POST /livechat/upload/:rid',
  ],
  Transcripts: ['POST /livechat/transcript'],
  Transfers: ['GET /livechat/transfer.history/:rid'],
  Visitors: [
    'POST /livechat/visitor',
    'GET /livechat/visitor/:token',
    'DELETE /livechat/visitor/:token',
    'GET /livechat/visitor/:token/room',
    'POST /livechat/visitor.status',
    'POST /livechat/visitor.callStatus',
  ],
}

/** Every method of the SDK that the product was asked for with, and the operation behind it. */
const methods: Readonly<Record<string, OperationKey>> = {
  'config.getConfig': 'GET /livechat/config',
  'agents.getAgentInfo': 'GET /livechat/agent.info/:rid/:token',
  'agents.getNextAgent': 'GET /livechat/agent.next/:token',
  'visitor.registerVisitor': 'POST /livechat/visitor',
  'visitor.getVisitor': 'GET /livechat/visitor/:token',
  'visitor.deleteVisitor': 'DELETE /livechat/visitor/:token',
  'room.getRoom': 'GET /livechat/room',
  'room.closeRoom': 'POST /livechat/room.close',
  'room.submitSurvey': 'POST /livechat/room.survey',
  'room.uploadFile': 'POST /livechat/upload/:rid',
  'messages.sendMessage': 'POST /livechat/message',
  'messages.updateMessage': 'PUT /livechat/message/:_id',
  'messages.getMessage': 'GET /livechat/message/:_id',
  'messages.deleteMessage': 'DELETE /livechat/message/:_id',
  'messages.getMessageHistory': 'GET /livechat/messages.history/:rid',
  'messages.sendOfflineMessage': 'POST /livechat/offline.message',
}

/**
 * What clients of other servers of this API may notice, beside what the product leaves out. Each has its reason; where an
 * operation is meant, its description in the API document says more.
 */
const differences: readonly string[] = [
  'A visitor is who has the token, and nobody else: neither e-mail address nor telephone number recognises one, unless the ' +
    'setting `Livechat_visitor_matching` is `compatible`. Answers to staff name no visitor’s token.',
  'What exists and belongs to somebody else is answered like what does not exist.',
  'Keys that an operation does not know are ignored, not refused. Forms of uploads: `alias`, `avatar`, `emoji` and ' +
    '`groupable`, too.',
  'Lists never answer more than `API_Upper_Count_Limit` rows, `count=0` included; `query` is ignored.',
  'A chat for which nobody is free waits in the queue and is offered again; none is left over in the state `ready`.',
  'Disabled and archived departments are refused like unknown ones.',
  'A visitor has one open room: `room.visitor` gives an open one to nobody who has one.',
  'Transcripts go to the address that the visitor registered with, unless the setting `Livechat_transcript_any_address` ' +
    'is on. There are none as PDF: `generateTranscriptPdf` is taken and does nothing.',
  'Offline messages come from the configured sender; the visitor’s address stands in Reply-To alone, and in the subject ' +
    'nothing of the message.',
  'A file is what its first bytes say. All are sent as attachments, and inline on demand where they are plain pictures, ' +
    'sounds or films. There are no small previews in messages, since nothing decodes pictures.',
  'Avatars are letters as SVG, whatever `format` asks for; there are no uploaded ones.',
  'An opinion (`room.survey`) stands a day after the conversation has ended.',
  'Page visits that are no page of the web are answered and not kept.',
  'Custom fields: `overwrite: false` on a value that is there is a success; several are set all or none.',
]

/** A test file by its path in the repository, with its text. */
export interface TestFile {
  path: string
  text: string
}

/**
 * docs/compatibility.md: what the product was asked for with, then everything that is served, each with its spellings and
 * the tests that call it. A missing operation does not compile.
 * @throws where no test calls an operation, in one of its spellings, or a method
 */
export function compatibilityPage(areas: Readonly<Record<string, OperationTable>>, tests: readonly TestFile[]): string {
  const operations = new Map(Object.values(areas).flatMap((area) => Object.entries(area)))
  for (const [key, operation] of operations)
    for (const spelling of [key, ...(operation.aliases ?? [])])
      requireTests(
        spelling,
        tests.filter(({ text }) => isCalledIn(text, spelling, operation)),
      )
  const testedIn = (key: string) => linksTo(tests.filter(({ text }) => callsIn(text, key, operations.get(key))))
  return [
    '# Compatibility',
    '',
    '<!-- Made from the contract and the tests by `npm run openapi`. Do not edit. -->',
    '',
    'Paths stand under `/api/v1`. A cell of tests names the files that call the operation through the API.',
    '',
    '## The endpoint list of the Livechat API',
    '',
    '| | Endpoint | Other spellings | Tests |',
    '|---|---|---|---|',
    ...Object.entries(asked).flatMap(([heading, keys]) =>
      keys.map(
        (key, index) =>
          `| ${index === 0 ? heading : ''} | \`${key}\` | ${spellingsOf(operations.get(key))} | ${testedIn(key)} |`,
      ),
    ),
    '',
    '`POST /livechat/visitor/department.transfer` does what `POST /livechat/room.transfer` did, as newer servers spell it.',
    '',
    '## The methods of `rocketchat-livechat-sdk`',
    '',
    '`RocketChatLivechat` of `@deskbell/sdk` has the same methods with the same signatures.',
    '',
    '| Method | Calls | Tests |',
    '|---|---|---|',
    ...Object.entries(methods).map(
      ([name, key]) => `| \`${name}\` | \`${key}\` | ${linksTo(requireTests(name, testsOfMethod(tests, name)))} |`,
    ),
    '',
    '## What is different here',
    '',
    ...differences.map((difference) => `- ${difference}`),
    '',
    '## Everything that is served',
    '',
    `${String(operations.size)} operations. What each takes and answers is in \`openapi.json\`, which the server shows at \`/docs\`.`,
    '',
    '| Operation | Other spellings | Tests |',
    '|---|---|---|',
    ...[...operations].map(([key, operation]) => `| \`${key}\` | ${spellingsOf(operation)} | ${testedIn(key)} |`),
    '',
  ].join('\n')
}

function spellingsOf(operation: Operation | undefined): string {
  return (operation?.aliases ?? []).map((alias) => `\`${alias}\``).join(', ')
}

function callsIn(text: string, key: string, operation: Operation | undefined): boolean {
  return [key, ...(operation?.aliases ?? [])].some((spelling) => isCalledIn(text, spelling, operation))
}

function isCalledIn(text: string, spelling: string, operation: Operation | undefined): boolean {
  // Forms are sent to a path, other calls to a key.
  return operation?.upload === undefined
    ? text.includes(`'${spelling}'`)
    : text.includes(`${spelling.slice(spelling.indexOf('/'), spelling.indexOf('/:'))}/$`)
}

/** @throws where there is none */
function requireTests(name: string, tests: readonly TestFile[]): readonly TestFile[] {
  if (tests.length === 0) throw new Error(`No test calls ${name}.`)
  return tests
}

function testsOfMethod(tests: readonly TestFile[], name: string): TestFile[] {
  return tests.filter(({ path, text }) => path.startsWith('packages/sdk/') && text.includes(`.${name}(`))
}

/** The first few name what is tested; the rest are counted. */
const SHOWN = 3

function linksTo(tests: readonly TestFile[]): string {
  const links = tests
    .slice(0, SHOWN)
    .map(({ path }) => `[${path.split('/').at(-1)?.replace('.test.ts', '') ?? ''}](../${path})`)
  return [...links, ...(tests.length > SHOWN ? [`${String(tests.length - SHOWN)} more`] : [])].join(', ')
}
