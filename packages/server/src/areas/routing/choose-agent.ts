// Who serves a chat: decided here from plain values, without database or clock. Contract §C.2–C.6.

/** How agents are given chats (contract §C.4). Under `External` an outside service prefers an agent, and nobody else is next. */
export const routingMethods = [
  'Auto_Selection',
  'Manual_Selection',
  'External',
  'Load_Balancing',
  'Load_Rotation',
] as const
export type RoutingMethod = (typeof routingMethods)[number]

/** An agent as far as routing looks. Counts are those of the moment: routing runs in the transaction that changes them. */
export interface Candidate {
  readonly id: string
  readonly username: string
  readonly isBot: boolean
  /** False for a deactivated account. */
  readonly isActive: boolean
  readonly presence: 'online' | 'away' | 'busy' | 'offline'
  /** What the agent's devices say: `away` is idle. */
  readonly connection: 'online' | 'away' | 'offline'
  /** The livechat service switch (`statusLivechat`). */
  readonly isAvailable: boolean
  /** Belongs to the department the chat is for; true for every agent when it is for none. */
  readonly isInDepartment: boolean
  /** Chats being served in all departments, without those on hold: what the limit counts. */
  readonly openChats: number
  /** Those of them in the chat's department; the same as `openChats` when it has none: what load balancing counts. */
  readonly openChatsInDepartment: number
  /** The agent's own limit of simultaneous chats; 0 for none. */
  readonly chatLimit: number
  /** Chats handed out so far: `count` in the department, `livechatCount` without one. */
  readonly rotation: number
  /** Place in the department, lower first; 0 without a department. */
  readonly order: number
  /** ISO time of the last chat this agent was given. */
  readonly lastRoutedAt?: string
}

export interface RoutingSettings {
  readonly method: RoutingMethod
  /** `Livechat_enabled_when_agent_idle`. */
  readonly acceptsWhenIdle: boolean
  /** `Livechat_waiting_queue`: limits of simultaneous chats apply only with it (§C.5). */
  readonly waitingQueue: boolean
  /** `Livechat_maximum_chats_per_agent`; 0 for none. */
  readonly limitPerAgent: number
  /** `maxNumberSimultaneousChat` of the chat's department; 0 for none. */
  readonly departmentLimit?: number
}

/** An agent to ask before the method (§C.6). One whom the visitor named must belong to the department (promises A9). */
export interface Preference {
  readonly agentId: string
  /** `turn`: a bot whose turn it is to answer first. */
  readonly namedBy: 'visitor' | 'server' | 'turn'
}

export interface RoutingRequest {
  /** In the order of §C.6. Ids that are no candidates are passed over. */
  readonly preferences: readonly Preference[]
  /** The agent who put the chat back into the queue: gets it again only when nobody else can take it (§C.7). */
  readonly returnedById?: string
}

/** Why an agent can take no chat at all at the moment. */
export type Obstacle = 'deactivated' | 'not-available' | 'offline' | 'idle' | 'at-limit'

/** What became of one candidate. */
export type Verdict =
  | Obstacle
  | 'chosen'
  | 'not-in-department'
  | 'another-is-preferred'
  | 'manual-selection'
  | 'external-routing'
  | 'returned-it'
  | 'another-is-next'

export interface Choice {
  /** Absent when nobody can be given the chat: it stays in the queue. */
  readonly agentId?: string
  /** One for every candidate, by username. */
  readonly verdicts: readonly { readonly agentId: string; readonly username: string; readonly verdict: Verdict }[]
}

/**
 * Decides who gets a chat and says of every candidate why or why not; the order of `candidates` makes no difference.
 * The first preferred agent who can take it wins (under `Manual_Selection` only a bot), else the method decides.
 * Stricter than §C.4: with idle agents accepted, an *offline* one is still not chosen, since nobody would answer.
 * The caller records the assignment: `rotation` + 1 under `Auto_Selection`, a later `lastRoutedAt` than any agent's
 * under `Load_Balancing` and `Load_Rotation`. Neither for a preferred agent, but `rotation` + 1 where it was a bot's turn.
 */
export function chooseAgent(
  candidates: readonly Candidate[],
  settings: RoutingSettings,
  request: RoutingRequest,
): Choice {
  const able = candidates.filter((agent) => obstacleTo(agent, settings) === undefined)
  const preferred = findPreferred(able, settings, request)
  const chosen = preferred ?? findNext(able, settings, request)

  function verdictOn(agent: Candidate): Verdict {
    if (agent === chosen) return 'chosen'
    const obstacle = obstacleTo(agent, settings)
    if (obstacle !== undefined) return obstacle
    if (!agent.isInDepartment) return 'not-in-department'
    if (preferred) return 'another-is-preferred'
    if (settings.method === 'Manual_Selection') return 'manual-selection'
    if (settings.method === 'External') return 'external-routing'
    if (!isInPool(agent, settings.method)) return 'offline'
    return agent.id === request.returnedById ? 'returned-it' : 'another-is-next'
  }

  const verdicts = candidates
    .toSorted(byUsername)
    .map((agent) => ({ agentId: agent.id, username: agent.username, verdict: verdictOn(agent) }))
  return chosen ? { agentId: chosen.id, verdicts } : { verdicts }
}

/**
 * Whether the contract counts an agent as online (§C.2): role and switch on, and present. Without `idle`, or for a bot,
 * presence alone decides; `acceptsWhenIdle: true` ignores presence (an agent who takes a chat by hand is there),
 * `false` asks for a device that is not idle as well. A full agent is online.
 */
export function isOnline(
  agent: Pick<Candidate, 'isActive' | 'isAvailable' | 'isBot' | 'presence' | 'connection'>,
  idle?: Pick<RoutingSettings, 'acceptsWhenIdle'>,
): boolean {
  if (!agent.isActive || !agent.isAvailable) return false
  if (idle?.acceptsWhenIdle === true) return true
  if (idle?.acceptsWhenIdle === false && agent.connection === 'away') return false
  return agent.isBot || agent.presence !== 'offline'
}

/**
 * How many chats an agent may serve at once (§C.5): the department's limit, else the agent's own, else the general one;
 * 0 for no limit. Limits apply only with the waiting queue, and never to bots.
 */
export function chatLimitOf(
  agent: Pick<Candidate, 'isBot' | 'chatLimit'>,
  settings: Pick<RoutingSettings, 'waitingQueue' | 'limitPerAgent' | 'departmentLimit'>,
): number {
  if (!settings.waitingQueue || agent.isBot) return 0
  return [settings.departmentLimit ?? 0, agent.chatLimit, settings.limitPerAgent].find((figure) => figure > 0) ?? 0
}

/** Whether an agent may serve no further chat. */
export function isAtLimit(
  agent: Pick<Candidate, 'isBot' | 'openChats' | 'chatLimit'>,
  settings: Pick<RoutingSettings, 'waitingQueue' | 'limitPerAgent' | 'departmentLimit'>,
): boolean {
  const limit = chatLimitOf(agent, settings)
  return limit > 0 && agent.openChats >= limit
}

/** What clients are told about a routing method (`livechat/config/routing`). */
export interface RoutingConfig {
  readonly previewRoom: boolean
  readonly showConnecting: boolean
  readonly showQueue: boolean
  readonly showQueueLink: boolean
  readonly returnQueue: boolean
  readonly enableTriggerAction: boolean
  readonly autoAssignAgent: boolean
}

const assigned: RoutingConfig = {
  previewRoom: false,
  showConnecting: false,
  showQueue: false,
  showQueueLink: false,
  returnQueue: false,
  enableTriggerAction: true,
  autoAssignAgent: true,
}

/** The row of a method in the table of §C.4. */
export function routingConfig(method: RoutingMethod): RoutingConfig {
  switch (method) {
    case 'Auto_Selection':
      return { ...assigned, showQueueLink: true }
    case 'Manual_Selection':
      return {
        ...assigned,
        previewRoom: true,
        showConnecting: true,
        showQueue: true,
        returnQueue: true,
        enableTriggerAction: false,
        autoAssignAgent: false,
      }
    case 'External':
    case 'Load_Balancing':
    case 'Load_Rotation':
      return assigned
  }
}

function obstacleTo(agent: Candidate, settings: RoutingSettings): Obstacle | undefined {
  if (!agent.isActive) return 'deactivated'
  if (!agent.isAvailable) return 'not-available'
  if (!isOnline(agent)) return 'offline'
  if (!settings.acceptsWhenIdle && agent.connection === 'away') return 'idle'
  return isAtLimit(agent, settings) ? 'at-limit' : undefined
}

function findPreferred(
  able: readonly Candidate[],
  { method }: RoutingSettings,
  { preferences, returnedById }: RoutingRequest,
): Candidate | undefined {
  for (const { agentId, namedBy } of preferences) {
    const agent = able.find(({ id }) => id === agentId && id !== returnedById)
    if (!agent) continue
    const mayBeGiven = agent.isBot || method !== 'Manual_Selection'
    if (mayBeGiven && (namedBy !== 'visitor' || agent.isInDepartment)) return agent
  }
  return undefined
}

function findNext(
  able: readonly Candidate[],
  { method }: RoutingSettings,
  { returnedById }: RoutingRequest,
): Candidate | undefined {
  const isReturner = ({ id }: Candidate) => Number(id === returnedById)
  return able
    .filter((agent) => agent.isInDepartment && isInPool(agent, method))
    .toSorted((a, b) => isReturner(a) - isReturner(b) || compareByMethod(method, a, b))[0]
}

/** Bots take turns whatever their presence, except where the method asks for presence of everybody (§C.4). */
function isInPool(agent: Candidate, method: RoutingMethod): boolean {
  switch (method) {
    case 'Auto_Selection':
      return true
    case 'Manual_Selection':
    case 'External':
      return false
    case 'Load_Balancing':
    case 'Load_Rotation':
      return agent.presence !== 'offline'
  }
}

function compareByMethod(method: RoutingMethod, a: Candidate, b: Candidate): number {
  switch (method) {
    case 'Auto_Selection':
      return a.rotation - b.rotation || a.order - b.order || byUsername(a, b)
    case 'Load_Balancing':
      return a.openChatsInDepartment - b.openChatsInDepartment || byLastRouted(a, b)
    case 'Load_Rotation':
      return byLastRouted(a, b)
    case 'Manual_Selection':
    case 'External':
      return byUsername(a, b)
  }
}

/** Who was never given a chat comes first. */
function byLastRouted(a: Candidate, b: Candidate): number {
  return compareText(a.lastRoutedAt ?? '', b.lastRoutedAt ?? '') || byUsername(a, b)
}

function byUsername(a: Candidate, b: Candidate): number {
  return compareText(a.username, b.username) || compareText(a.id, b.id)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
