// Business rules that an administrator edits while the server runs.
import { ApiError } from '../../api-error.ts'
import { readSiteUrl, type Config } from '../../config.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { versioned } from '../../database/versioned.ts'
import { note, type Actor } from '../ledger/ledger.ts'
import {
  settings,
  type Asset,
  type SettingDefinition,
  type SettingId,
  type SettingValue,
  type Settings,
} from './catalogue.ts'
import { listStoredSettings, saveSettings, type StoredSetting } from './store.ts'

/** A setting with all that is known of it. Nobody sees the hidden ones. */
export interface Setting {
  id: SettingId
  definition: SettingDefinition
  /** As an administrator stored it, of whatever type; else the default. */
  value: unknown
  /** The environment of the server decides the value: it cannot be changed. */
  isFixed: boolean
  /** When it was first and last changed; absent while nobody did. */
  createdAt?: string
  updatedAt?: string
}

const readStored: (reader: Reader) => Promise<ReadonlyMap<string, StoredSetting>> = versioned(
  'settings',
  async (reader) => new Map((await listStoredSettings(reader)).map((stored) => [stored.id, stored])),
)

/** Every setting's value in force at this moment; cheap enough for every request. */
export const readSettings: (reader: Reader) => Promise<Settings> = versioned('settings', async (reader) => {
  const stored = await readStored(reader)
  const values: Record<string, SettingValue> = {}
  for (const [id, { default: fallback }] of Object.entries(settings))
    values[id] = stored.has(id) ? coerce(fallback, stored.get(id)?.value) : fallback
  return values as Settings
})

/** Every setting that is not hidden, in the order of the catalogue. */
export async function listSettings(reader: Reader, config: Config): Promise<Setting[]> {
  const stored = await readStored(reader)
  return visible.map(([id, definition]) => describe(id, definition, stored.get(id), fixedBy(config)))
}

/**
 * One setting.
 * @throws `setting-not-found`: unknown or hidden
 */
export async function requireSetting(reader: Reader, config: Config, id: string): Promise<Setting> {
  const known = visible.find(([visibleId]) => visibleId === id)
  if (known === undefined) throw new ApiError('setting-not-found')
  return describe(...known, (await readStored(reader)).get(id), fixedBy(config))
}

/**
 * Stores values, of any type (contract §E.3), in force from now on. Values that are there already are left alone.
 * @throws `setting-not-found`: one is unknown, hidden, fixed or without value; then nothing is changed
 */
export async function changeSettings(
  tx: Transaction,
  by: Actor,
  config: Config,
  changes: readonly { id: string; value: unknown }[],
): Promise<void> {
  const wanted = new Map<SettingId, { setting: Setting; value: unknown }>()
  for (const { id, value } of changes) {
    const setting = await requireSetting(tx, config, id)
    if (setting.isFixed || value === undefined) throw new ApiError('setting-not-found')
    if (!isSame(setting.value, value)) wanted.set(setting.id, { setting, value })
    else wanted.delete(setting.id)
  }
  if (wanted.size === 0) return
  await saveSettings(
    tx,
    [...wanted].map(([id, { value }]) => ({ id, value })),
  )
  for (const { setting, value } of wanted.values()) await noteChange(tx, by, setting, value)
  tx.emit('settings.changed', { ids: [...wanted.keys()] })
}

async function noteChange(tx: Transaction, by: Actor, { id, definition, value: old }: Setting, value: unknown) {
  const shown = (each: unknown) => ({ value: definition.secret === true ? masked(each) : each })
  await note(tx, {
    actor: by,
    action: 'setting.changed',
    subject: { kind: 'setting', id },
    before: shown(old),
    after: shown(value),
  })
}

/** Whether there is a secret may be known. */
function masked(value: unknown): string {
  return value === '' ? '' : '***'
}

/** Stores a secret that nobody has made yet. */
export async function keepSecret(tx: Transaction, id: SettingId, secret: string): Promise<void> {
  const { [id]: known } = await readSettings(tx)
  if (known === '') await saveSettings(tx, [{ id, value: secret }])
}

const visible = (Object.entries(settings) as [SettingId, SettingDefinition][]).filter(
  ([, definition]) => definition.hidden !== true,
)

/** The settings that the environment decides (docs/configuration.md). */
function fixedBy({ siteUrl, mail: { from, smtpUrl } }: Config): Partial<Settings> {
  return {
    ...(siteUrl !== undefined && { Site_Url: siteUrl }),
    ...(from !== undefined && { From_Email: from }),
    ...(smtpUrl !== undefined && mailServerOf(smtpUrl)),
  }
}

/** A mail server in the settings of the wire. Its password stays in the environment. */
function mailServerOf(smtpUrl: string): Partial<Settings> {
  const { hostname, port, username } = new URL(smtpUrl)
  return { SMTP_Host: hostname, SMTP_Port: port, SMTP_Username: decodeURIComponent(username), SMTP_Password: '' }
}

function describe(
  id: SettingId,
  definition: SettingDefinition,
  stored: StoredSetting | undefined,
  fixed: Partial<Settings>,
): Setting {
  const value = stored === undefined ? definition.default : stored.value
  return {
    id,
    definition,
    value: fixed[id] ?? value,
    isFixed: fixed[id] !== undefined,
    ...(stored !== undefined && { createdAt: stored.createdAt, updatedAt: stored.updatedAt }),
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/**
 * What the rules see of a stored value. The wire stores anything (contract §E.3: a text in a boolean is accepted), so a
 * value of another type than the setting's is read as one of its type, or as the default.
 */
function coerce(fallback: SettingValue, value: unknown): SettingValue {
  if (typeof fallback === 'boolean') return asSwitch(value) ?? fallback
  if (typeof fallback === 'number') return asInteger(value) ?? fallback
  if (typeof fallback === 'string') return asText(value) ?? fallback
  return (Array.isArray(fallback) ? asTexts(value) : asAsset(value)) ?? fallback
}

/** Nothing but these four is a decision: what is none must not open what the default keeps shut. */
function asSwitch(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

/** Every number among the settings is a whole one; databases refuse others as limits. */
function asInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? Math.trunc(number) : undefined
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value === null) return ''
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function asTexts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined
}

function asAsset(value: unknown): Asset | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

/** Where people reach this server, for links in letters: as configured or set, and never what a request claims. */
export async function findSiteUrl(reader: Reader, { siteUrl }: Config): Promise<string | undefined> {
  return siteUrl ?? readSiteUrl((await readSettings(reader)).Site_Url)
}

/**
 * Where a caller reaches this server, for addresses in the answer to this very call: as configured or set, else as it was
 * reached just now; empty where nobody says, and then addresses are relative.
 */
export function siteUrlFor(
  settings: Settings,
  { siteUrl }: Config,
  request: { reachedAt?: string | undefined },
): string {
  return siteUrl ?? readSiteUrl(settings.Site_Url) ?? request.reachedAt ?? ''
}

/** How many characters a visitor's message may have; `undefined` for as many as the contract takes. */
export function visitorTextLimit(settings: Settings): number | undefined {
  if (!settings.Livechat_enable_message_character_limit) return undefined
  const limit = settings.Livechat_message_character_limit || settings.Message_MaxAllowedSize
  return limit > 0 ? limit : undefined
}
