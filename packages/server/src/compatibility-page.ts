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

/** A test file by its path in the repository, with its text. */
export interface TestFile {
  path: string
  text: string
}

/**
 * docs/compatibility.md: what the product was asked for with, then everything that is served, each with its spellings and
 * the tests that call it. A missing operation does not compile.
 * @throws where no test calls an operation that was asked for
 */
export function compatibilityPage(areas: Readonly<Record<string, OperationTable>>, tests: readonly TestFile[]): string {
  const operations = new Map(Object.values(areas).flatMap((area) => Object.entries(area)))
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
      keys.map((key, index) => {
        const found = testedIn(key)
        if (found === '') throw new Error(`No test calls ${key}.`)
        return `| ${index === 0 ? heading : ''} | \`${key}\` | ${spellingsOf(operations.get(key))} | ${found} |`
      }),
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
      ([name, key]) => `| \`${name}\` | \`${key}\` | ${linksTo(testsOfMethod(tests, name))} |`,
    ),
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
  // Forms are sent to a path, other calls to a key.
  if (operation?.upload !== undefined) return text.includes(`${key.slice(key.indexOf('/'), key.indexOf('/:'))}/$`)
  return [key, ...(operation?.aliases ?? [])].some((spelling) => text.includes(`'${spelling}'`))
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
