import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Candidate, Preference, RoutingMethod, RoutingRequest, RoutingSettings, Verdict } from './choose-agent.ts'
import { chooseAgent, isAtLimit, isOnline, routingConfig } from './choose-agent.ts'

const methods: RoutingMethod[] = ['Auto_Selection', 'Manual_Selection', 'External', 'Load_Balancing', 'Load_Rotation']
/** Those that decide by themselves. */
const deciding: RoutingMethod[] = methods.filter((method) => method !== 'Manual_Selection' && method !== 'External')

const usual: RoutingSettings = {
  method: 'Auto_Selection',
  acceptsWhenIdle: true,
  waitingQueue: false,
  limitPerAgent: 0,
}

function agent(username: string, facts: Partial<Candidate> = {}): Candidate {
  return {
    id: `id-${username}`,
    username,
    isBot: false,
    isActive: true,
    presence: 'online',
    connection: 'online',
    isAvailable: true,
    isInDepartment: true,
    openChats: 0,
    openChatsInDepartment: facts.openChats ?? 0,
    chatLimit: 0,
    rotation: 0,
    order: 0,
    ...facts,
  }
}

function prefers(username: string, namedBy: Preference['namedBy'] = 'server'): Preference {
  return { agentId: `id-${username}`, namedBy }
}

interface Case {
  rule: string
  agents: Candidate[]
  settings?: Partial<RoutingSettings>
  request?: Partial<RoutingRequest>
  chosen: string | undefined
  verdicts: Record<string, Verdict>
}

const earlier = '2026-01-01T10:00:00.000Z'
const later = '2026-01-01T10:00:00.001Z'

function decide({ agents, settings, request }: Pick<Case, 'agents' | 'settings' | 'request'>) {
  return chooseAgent(agents, { ...usual, ...settings }, { preferences: [], ...request })
}

function check({ agents, settings, request, chosen, verdicts }: Case) {
  const choice = decide({ agents, settings: settings ?? {}, request: request ?? {} })
  expect(choice.agentId).toBe(chosen === undefined ? undefined : `id-${chosen}`)
  expect(Object.fromEntries(choice.verdicts.map(({ username, verdict }) => [username, verdict]))).toEqual(verdicts)
}

describe('who can be given a chat', () => {
  const cases: Case[] = [
    { rule: 'without agents a chat stays in the queue', agents: [], chosen: undefined, verdicts: {} },
    {
      rule: 'a deactivated agent is not',
      agents: [agent('ada', { isActive: false })],
      chosen: undefined,
      verdicts: { ada: 'deactivated' },
    },
    {
      rule: 'an agent whose service switch is off is not',
      agents: [agent('ada', { isAvailable: false })],
      chosen: undefined,
      verdicts: { ada: 'not-available' },
    },
    {
      rule: 'an offline agent is not, even when idle agents are accepted',
      agents: [agent('ada', { presence: 'offline', connection: 'offline' })],
      chosen: undefined,
      verdicts: { ada: 'offline' },
    },
    {
      rule: 'a busy agent is: presence is not the limit of chats',
      agents: [agent('ada', { presence: 'busy' })],
      chosen: 'ada',
      verdicts: { ada: 'chosen' },
    },
    {
      rule: 'an idle agent is, when idle agents are accepted',
      agents: [agent('ada', { presence: 'away', connection: 'away' })],
      chosen: 'ada',
      verdicts: { ada: 'chosen' },
    },
    {
      rule: 'an idle agent is not, when idle agents are not accepted',
      agents: [agent('ada', { presence: 'away', connection: 'away' })],
      settings: { acceptsWhenIdle: false },
      chosen: undefined,
      verdicts: { ada: 'idle' },
    },
    {
      rule: 'a bot is, whatever its presence',
      agents: [agent('bot', { isBot: true, presence: 'offline', connection: 'offline' })],
      chosen: 'bot',
      verdicts: { bot: 'chosen' },
    },
    {
      rule: 'an offline bot takes no turns in load balancing',
      agents: [agent('bot', { isBot: true, presence: 'offline' }), agent('zoe', { openChats: 9 })],
      settings: { method: 'Load_Balancing' },
      chosen: 'zoe',
      verdicts: { bot: 'offline', zoe: 'chosen' },
    },
    {
      rule: 'an agent of another department is not',
      agents: [agent('ada', { isInDepartment: false }), agent('zoe', { rotation: 9 })],
      chosen: 'zoe',
      verdicts: { ada: 'not-in-department', zoe: 'chosen' },
    },
    {
      rule: 'the first of several obstacles is told',
      agents: [agent('ada', { isActive: false, isAvailable: false, presence: 'offline', isInDepartment: false })],
      chosen: undefined,
      verdicts: { ada: 'deactivated' },
    },
  ]
  test.each(cases)('$rule', check)
})

describe('limits of simultaneous chats', () => {
  const full = { waitingQueue: true, limitPerAgent: 2 }
  const cases: Case[] = [
    {
      rule: 'a full agent is passed over',
      agents: [agent('ada', { openChats: 2 }), agent('zoe', { openChats: 1, rotation: 5 })],
      settings: full,
      chosen: 'zoe',
      verdicts: { ada: 'at-limit', zoe: 'chosen' },
    },
    {
      rule: 'limits mean nothing without the waiting queue',
      agents: [agent('ada', { openChats: 99, chatLimit: 1 })],
      settings: { ...full, waitingQueue: false },
      chosen: 'ada',
      verdicts: { ada: 'chosen' },
    },
    {
      rule: 'when everybody is full the chat stays in the queue',
      agents: [agent('ada', { openChats: 2 }), agent('zoe', { openChats: 3 })],
      settings: full,
      chosen: undefined,
      verdicts: { ada: 'at-limit', zoe: 'at-limit' },
    },
    {
      rule: "an agent's own limit beats the general one",
      agents: [agent('ada', { openChats: 2, chatLimit: 3 }), agent('zoe', { openChats: 1, chatLimit: 1 })],
      settings: full,
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'at-limit' },
    },
    {
      rule: "the department's limit beats the agent's own",
      agents: [agent('ada', { openChats: 2, chatLimit: 1 }), agent('zoe', { openChats: 4, chatLimit: 9 })],
      settings: { ...full, departmentLimit: 3 },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'at-limit' },
    },
    {
      rule: 'a limit of 0 everywhere is none',
      agents: [agent('ada', { openChats: 99 })],
      settings: { waitingQueue: true, limitPerAgent: 0, departmentLimit: 0 },
      chosen: 'ada',
      verdicts: { ada: 'chosen' },
    },
    {
      rule: 'a bot is never full',
      agents: [agent('bot', { isBot: true, openChats: 99, chatLimit: 1 })],
      settings: full,
      chosen: 'bot',
      verdicts: { bot: 'chosen' },
    },
    {
      rule: 'chats in other departments count to the limit',
      agents: [agent('ada', { openChats: 2, openChatsInDepartment: 0 })],
      settings: { ...full, method: 'Load_Balancing' },
      chosen: undefined,
      verdicts: { ada: 'at-limit' },
    },
  ]
  test.each(cases)('$rule', check)

  test('the check of a take by hand is the same', () => {
    const settings = { waitingQueue: true, limitPerAgent: 2 }
    expect(isAtLimit(agent('ada', { openChats: 1 }), settings)).toBe(false)
    expect(isAtLimit(agent('ada', { openChats: 2 }), settings)).toBe(true)
  })
})

describe('whose turn it is', () => {
  const cases: Case[] = [
    {
      rule: 'automatic selection: who was given fewest',
      agents: [agent('ada', { rotation: 3 }), agent('zoe', { rotation: 2, order: 7, openChats: 5 })],
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'automatic selection: then the order in the department',
      agents: [agent('ada', { order: 2 }), agent('zoe', { order: 1 })],
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'automatic selection: then the username, capitals first',
      agents: [agent('ada'), agent('Zoe')],
      chosen: 'Zoe',
      verdicts: { Zoe: 'chosen', ada: 'another-is-next' },
    },
    {
      rule: 'load balancing: who has fewest open chats in the department',
      agents: [
        agent('ada', { openChats: 2, openChatsInDepartment: 2 }),
        agent('zoe', { openChats: 9, openChatsInDepartment: 1, lastRoutedAt: later, rotation: 9 }),
      ],
      settings: { method: 'Load_Balancing' },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'load balancing: then who has waited longest for a chat',
      agents: [
        agent('ada', { openChats: 1, lastRoutedAt: later }),
        agent('zoe', { openChats: 1, lastRoutedAt: earlier }),
      ],
      settings: { method: 'Load_Balancing' },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'load rotation: who has waited longest, however many chats are open',
      agents: [agent('ada', { lastRoutedAt: later }), agent('zoe', { openChats: 9, lastRoutedAt: earlier })],
      settings: { method: 'Load_Rotation' },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'load rotation: who was never given one comes first',
      agents: [agent('ada', { lastRoutedAt: earlier }), agent('zoe')],
      settings: { method: 'Load_Rotation' },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-next', zoe: 'chosen' },
    },
    {
      rule: 'manual selection: nobody, agents take chats themselves',
      agents: [agent('ada'), agent('bot', { isBot: true }), agent('zoe', { presence: 'offline' })],
      settings: { method: 'Manual_Selection' },
      chosen: undefined,
      verdicts: { ada: 'manual-selection', bot: 'manual-selection', zoe: 'offline' },
    },
    {
      rule: 'external routing: nobody but whom the service outside names',
      agents: [agent('ada'), agent('zoe', { presence: 'offline' })],
      settings: { method: 'External' },
      chosen: undefined,
      verdicts: { ada: 'external-routing', zoe: 'offline' },
    },
    {
      rule: 'a chat that an agent returned goes to another one',
      agents: [agent('ada'), agent('zoe', { rotation: 9 })],
      request: { returnedById: 'id-ada' },
      chosen: 'zoe',
      verdicts: { ada: 'returned-it', zoe: 'chosen' },
    },
    {
      rule: 'a returned chat goes back to the same agent rather than wait',
      agents: [agent('ada'), agent('zoe', { isAvailable: false })],
      request: { returnedById: 'id-ada' },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'not-available' },
    },
  ]
  test.each(cases)('$rule', check)
})

describe('preferred agents', () => {
  const cases: Case[] = [
    {
      rule: 'are taken before whose turn it is',
      agents: [agent('ada'), agent('zoe', { rotation: 9, openChats: 9 })],
      request: { preferences: [prefers('zoe')] },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-preferred', zoe: 'chosen' },
    },
    {
      rule: 'are asked in their order',
      agents: [agent('ada'), agent('ben', { presence: 'offline' }), agent('cyd'), agent('zoe')],
      request: { preferences: [prefers('ben'), prefers('zoe'), prefers('cyd')] },
      chosen: 'zoe',
      verdicts: {
        ada: 'another-is-preferred',
        ben: 'offline',
        cyd: 'another-is-preferred',
        zoe: 'chosen',
      },
    },
    {
      rule: 'who are offline leave the choice to the method',
      agents: [agent('ada'), agent('zoe', { presence: 'offline' })],
      request: { preferences: [prefers('zoe')] },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'offline' },
    },
    {
      rule: 'who are full leave the choice to the method',
      agents: [agent('ada', { rotation: 9 }), agent('zoe', { openChats: 1 })],
      settings: { waitingQueue: true, limitPerAgent: 1 },
      request: { preferences: [prefers('zoe')] },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'at-limit' },
    },
    {
      rule: 'who are no candidates are passed over',
      agents: [agent('ada')],
      request: { preferences: [prefers('stranger')] },
      chosen: 'ada',
      verdicts: { ada: 'chosen' },
    },
    {
      rule: 'known to the server may be outside the department',
      agents: [agent('ada'), agent('zoe', { isInDepartment: false })],
      request: { preferences: [prefers('zoe')] },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-preferred', zoe: 'chosen' },
    },
    {
      rule: 'named by the visitor must be in the department',
      agents: [agent('ada'), agent('zoe', { isInDepartment: false })],
      request: { preferences: [prefers('zoe', 'visitor')] },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'not-in-department' },
    },
    {
      rule: 'named by the visitor are taken when they are in the department',
      agents: [agent('ada'), agent('zoe', { rotation: 9 })],
      request: { preferences: [prefers('zoe', 'visitor')] },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-preferred', zoe: 'chosen' },
    },
    {
      rule: 'do not take chats by themselves under manual selection',
      agents: [agent('ada'), agent('zoe')],
      settings: { method: 'Manual_Selection' },
      request: { preferences: [prefers('zoe')] },
      chosen: undefined,
      verdicts: { ada: 'manual-selection', zoe: 'manual-selection' },
    },
    {
      rule: 'do under external routing, in or out of the department',
      agents: [agent('ada'), agent('zoe', { isInDepartment: false })],
      settings: { method: 'External' },
      request: { preferences: [prefers('zoe')] },
      chosen: 'zoe',
      verdicts: { ada: 'another-is-preferred', zoe: 'chosen' },
    },
    {
      rule: 'that are bots do, even under manual selection and offline',
      agents: [agent('ada'), agent('bot', { isBot: true, presence: 'offline' })],
      settings: { method: 'Manual_Selection' },
      request: { preferences: [prefers('bot')] },
      chosen: 'bot',
      verdicts: { ada: 'another-is-preferred', bot: 'chosen' },
    },
    {
      rule: 'that are switched-off bots do not',
      agents: [agent('ada'), agent('bot', { isBot: true, isAvailable: false })],
      request: { preferences: [prefers('bot')] },
      chosen: 'ada',
      verdicts: { ada: 'chosen', bot: 'not-available' },
    },
    {
      rule: 'who returned the chat are not preferred any more',
      agents: [agent('ada', { rotation: 9 }), agent('zoe')],
      request: { preferences: [prefers('zoe')], returnedById: 'id-zoe' },
      chosen: 'ada',
      verdicts: { ada: 'chosen', zoe: 'returned-it' },
    },
  ]
  test.each(cases)('$rule', check)
})

describe('online in the sense of the contract', () => {
  const gone = agent('ada', { presence: 'offline', connection: 'offline' })
  const idle = agent('ada', { presence: 'away', connection: 'away' })
  const bot = agent('bot', { isBot: true, presence: 'offline', connection: 'offline' })
  test.each([
    { who: 'an agent who is present', candidate: agent('ada'), unsaid: true, accepted: true, refused: true },
    { who: 'an idle agent', candidate: idle, unsaid: true, accepted: true, refused: false },
    { who: 'an offline agent', candidate: gone, unsaid: false, accepted: true, refused: false },
    { who: 'an offline bot', candidate: bot, unsaid: true, accepted: true, refused: true },
    {
      who: 'an agent with the service off',
      candidate: agent('ada', { isAvailable: false }),
      unsaid: false,
      accepted: false,
      refused: false,
    },
    {
      who: 'a deactivated agent',
      candidate: agent('ada', { isActive: false }),
      unsaid: false,
      accepted: false,
      refused: false,
    },
    {
      who: 'a full agent',
      candidate: agent('ada', { openChats: 9, chatLimit: 1 }),
      unsaid: true,
      accepted: true,
      refused: true,
    },
  ])('$who', ({ candidate, unsaid, accepted, refused }) => {
    expect(isOnline(candidate)).toBe(unsaid)
    expect(isOnline(candidate, { acceptsWhenIdle: true })).toBe(accepted)
    expect(isOnline(candidate, { acceptsWhenIdle: false })).toBe(refused)
  })
})

describe('what clients are told about a method', () => {
  test.each<[RoutingMethod, string]>([
    ['Auto_Selection', 'FFFTFTT'],
    ['Manual_Selection', 'TTTFTFF'],
    ['External', 'FFFFFTT'],
    ['Load_Balancing', 'FFFFFTT'],
    ['Load_Rotation', 'FFFFFTT'],
  ])('%s has the flags of the table', (method, row) => {
    const { previewRoom, showConnecting, showQueue, showQueueLink, returnQueue, enableTriggerAction, autoAssignAgent } =
      routingConfig(method)
    const flags = [
      previewRoom,
      showConnecting,
      showQueue,
      showQueueLink,
      returnQueue,
      enableTriggerAction,
      autoAssignAgent,
    ]
    expect(flags.map((flag) => (flag ? 'T' : 'F')).join('')).toBe(row)
  })

  test('only methods that assign agents by themselves choose one', () => {
    for (const method of methods) {
      const { agentId } = decide({ agents: [agent('ada')], settings: { method } })
      expect(agentId !== undefined).toBe(deciding.includes(method))
    }
  })
})

const anyCandidate = fc.record({
  username: fc.string({ minLength: 1, maxLength: 3 }),
  isBot: fc.boolean(),
  isActive: fc.boolean(),
  presence: fc.constantFrom('online' as const, 'away' as const, 'busy' as const, 'offline' as const),
  connection: fc.constantFrom('online' as const, 'away' as const, 'offline' as const),
  isAvailable: fc.boolean(),
  isInDepartment: fc.boolean(),
  openChats: fc.nat(4),
  openChatsInDepartment: fc.nat(4),
  chatLimit: fc.nat(3),
  rotation: fc.nat(3),
  order: fc.nat(2),
})
const anyTeam = fc
  .array(fc.tuple(anyCandidate, fc.option(fc.constantFrom(earlier, later), { nil: undefined })), { maxLength: 6 })
  .map((team) =>
    team.map(([facts, at], id) => ({ id: String(id), ...facts, ...(at !== undefined && { lastRoutedAt: at }) })),
  )
const anySettings = fc.record({
  method: fc.constantFrom(...methods),
  acceptsWhenIdle: fc.boolean(),
  waitingQueue: fc.boolean(),
  limitPerAgent: fc.nat(3),
  departmentLimit: fc.nat(3),
})
const anyId = fc.nat(6).map(String)
const anyRequest = fc
  .tuple(
    fc.array(fc.record({ agentId: anyId, namedBy: fc.constantFrom('visitor' as const, 'server' as const) }), {
      maxLength: 3,
    }),
    fc.option(anyId, { nil: undefined }),
  )
  .map(([preferences, by]): RoutingRequest => ({ preferences, ...(by !== undefined && { returnedById: by }) }))

describe('whatever the team, the settings and the chat', () => {
  test('nobody above the limit, offline, idle against the rule, switched off or deactivated is ever chosen', () => {
    fc.assert(
      fc.property(anyTeam, anySettings, anyRequest, (team, settings, request) => {
        const chosen = team.find(({ id }) => id === chooseAgent(team, settings, request).agentId)
        if (!chosen) return
        const limit = settings.departmentLimit || chosen.chatLimit || settings.limitPerAgent || Infinity
        expect(chosen.isActive && chosen.isAvailable).toBe(true)
        expect(chosen.isBot || chosen.presence !== 'offline').toBe(true)
        expect(settings.acceptsWhenIdle || chosen.connection !== 'away').toBe(true)
        expect(chosen.isBot || !settings.waitingQueue || chosen.openChats < limit).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('the order in which agents are listed makes no difference', () => {
    const shuffled = anyTeam.chain((team) =>
      fc.tuple(fc.constant(team), fc.shuffledSubarray(team, { minLength: team.length })),
    )
    fc.assert(
      fc.property(shuffled, anySettings, anyRequest, ([team, other], settings, request) => {
        expect(chooseAgent(other, settings, request)).toEqual(chooseAgent(team, settings, request))
      }),
    )
  })

  test('every agent gets one verdict, and only the chosen one is called chosen', () => {
    fc.assert(
      fc.property(anyTeam, anySettings, anyRequest, (team, settings, request) => {
        const { agentId, verdicts } = chooseAgent(team, settings, request)
        expect(verdicts.map((each) => each.agentId).sort()).toEqual(team.map(({ id }) => id).sort())
        const chosen = verdicts.filter(({ verdict }) => verdict === 'chosen').map((each) => each.agentId)
        expect(chosen).toEqual(agentId === undefined ? [] : [agentId])
      }),
    )
  })

  test('no chat waits while an agent of the department is free and agents are assigned', () => {
    fc.assert(
      fc.property(anyTeam, anySettings, anyRequest, (team, settings, request) => {
        const { agentId, verdicts } = chooseAgent(team, settings, request)
        if (agentId !== undefined || !deciding.includes(settings.method)) return
        const obstacles: Verdict[] = [
          'deactivated',
          'not-available',
          'offline',
          'idle',
          'at-limit',
          'not-in-department',
        ]
        expect(obstacles).toEqual(expect.arrayContaining(verdicts.map(({ verdict }) => verdict)))
      }),
    )
  })

  test.each(deciding)('%s spreads chats evenly over agents who start equal', (method) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(60), (size, chats) => {
        const equals = Array.from({ length: size }, (_, index) => agent(String(index)))
        const team = new Map(equals.map((each) => [each.id, each]))
        const served = new Map([...team.keys()].map((id) => [id, 0]))
        for (let chat = 0; chat < chats; chat += 1) {
          const { agentId } = decide({ agents: [...team.values()], settings: { method } })
          const chosen = team.get(agentId ?? '')!
          served.set(chosen.id, served.get(chosen.id)! + 1)
          team.set(chosen.id, afterAssignment(chosen, chat))
        }
        expect(Math.max(...served.values()) - Math.min(...served.values())).toBeLessThanOrEqual(1)
      }),
    )
  })
})

function afterAssignment(chosen: Candidate, chat: number): Candidate {
  return {
    ...chosen,
    openChats: chosen.openChats + 1,
    openChatsInDepartment: chosen.openChatsInDepartment + 1,
    rotation: chosen.rotation + 1,
    lastRoutedAt: new Date(Date.UTC(2026, 0, 1) + chat).toISOString(),
  }
}
