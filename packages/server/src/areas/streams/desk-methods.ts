// The methods by which consoles set the desk up and learn how it is set up.
import { matchFailed } from '../../realtime/ddp.ts'
import { fields, optionalText, present, text } from './given.ts'
import { call, done, operation, type Answer, type Method, type Parts } from './method.ts'

type Kind = 'agent' | 'manager'

function addTo(type: Kind): Method {
  return operation(
    'POST /livechat/users/:type',
    ([username]) => ({ params: { type }, body: { username: text(username) } }),
    ({ user }) => user,
  )
}

/** Consoles name the person, the operation takes an id. */
function removeFrom(type: Kind): Method {
  return async (reach, session, [username]) => {
    const found = await call(reach, session, 'GET /users.info', { query: { username: text(username) } })
    if ('error' in found) return found
    const { _id } = found.answer['user'] as { _id: string }
    const removed = await call(reach, session, 'DELETE /livechat/users/:type/:_id', { params: { type, _id } })
    return 'error' in removed ? removed : { result: true }
  }
}

/** Creates a department where no id is given, and changes the one with the id otherwise. */
const saveDepartment: Method = async (reach, session, [id, department, given]) => {
  const agents = Array.isArray(given) || given === undefined || given === null ? given : fields(given)['upsert']
  const body = { department: fields(department), ...present({ agents: agents ?? undefined }) }
  const saved =
    id === null || id === undefined || id === ''
      ? await call(reach, session, 'POST /livechat/department', { body })
      : await call(reach, session, 'PUT /livechat/department/:_id', { params: { _id: text(id) }, body })
  return 'error' in saved ? saved : { result: saved.answer['department'] }
}

/** Defines a field where no id is given, and changes the one with the id otherwise. */
const saveCustomField: Method = async (reach, session, [id, given]) => {
  const customFieldData = fields(given)
  // The operation can do without; consoles that ask so never could (contract §D.6).
  if (typeof customFieldData['searchable'] !== 'boolean') return { error: matchFailed }
  const customFieldId = id === null ? undefined : optionalText(id)
  const body = { customFieldData, ...present({ customFieldId }) }
  const saved = await call(reach, session, 'POST /livechat/custom-fields.save', { body })
  if ('error' in saved) return saved
  return { result: { _id: customFieldId, ...(saved.answer['customField'] as object) } }
}

/** Everything at the first time, and since a moment `{update, remove}`: consoles ask so for lists that they keep. */
function kept(list: (answers: readonly Answer[]) => unknown, since: unknown, answers: readonly Answer[]) {
  return since === undefined ? list(answers) : { update: list(answers), remove: [] }
}

const permissions: Method = async (reach, session, [since]) => {
  const query = present({ updatedSince: optionalText(since) })
  const called = await call(reach, session, 'GET /permissions.listAll', { query })
  return 'error' in called ? called : { result: kept(([answer]) => answer?.['update'], since, [called.answer]) }
}

const publicSettings: Method = async (reach, session, [since]) => {
  optionalText(since)
  const pages: Answer[] = []
  for (let offset = 0; ;) {
    const page = await call(reach, session, 'GET /settings.public', { query: { offset, count: 100 } })
    if ('error' in page) return page
    pages.push(page.answer)
    const { count, total } = page.answer as { count: number; total: number }
    offset += count
    if (count === 0 || offset >= total) break
  }
  return { result: kept((answers) => answers.flatMap(({ settings }) => settings), since, pages) }
}

/** Agents and managers, departments, settings, permissions. */
export const deskMethods: Readonly<Record<string, Method>> = {
  'livechat:addAgent': addTo('agent'),
  'livechat:addManager': addTo('manager'),
  'livechat:removeAgent': removeFrom('agent'),
  'livechat:removeManager': removeFrom('manager'),
  'livechat:saveAgentInfo': operation(
    'POST /livechat/agents.saveInfo',
    ([agentId, agentData, agentDepartments]): Parts => ({
      body: { agentId: text(agentId), agentData: fields(agentData), agentDepartments },
    }),
    done,
  ),
  'livechat:saveDepartment': saveDepartment,
  'livechat:saveDepartmentAgents': operation(
    'POST /livechat/department/:_id/agents',
    ([id, agents]) => ({ params: { _id: text(id) }, body: { upsert: [], remove: [], ...fields(agents) } }),
    done,
  ),
  'livechat:removeDepartment': operation(
    'DELETE /livechat/department/:_id',
    ([id]) => ({ params: { _id: text(id) } }),
    done,
  ),
  'livechat:saveCustomField': saveCustomField,
  'livechat:removeCustomField': operation(
    'POST /livechat/custom-fields.delete',
    ([id]) => ({ body: { customFieldId: text(id) } }),
    done,
  ),
  saveSettings: operation('POST /settings', ([settings]) => ({ body: { settings } }), done),
  'permissions/get': permissions,
  'public-settings/get': publicSettings,
}
