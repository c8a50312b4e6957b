import type { Selectable } from 'kysely'
import { fromJson, toFlag, toJson, withoutNulls } from '../../database/columns.ts'
import type { UserTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** A staff member: the account, and what routing and others see of the person. */
export interface User {
  id: string
  username: string
  name: string
  email?: string
  isEmailVerified: boolean
  isActive: boolean
  mustChangePassword: boolean
  roles: string[]
  /** What others see now. */
  presence: Presence
  /** What the person chose; it lasts until logout. */
  presenceChosen: Presence
  connection: 'online' | 'away' | 'offline'
  statusText: string
  /** The livechat service switch; absent for people who are no agents. */
  serviceStatus?: ServiceStatus
  isServiceStatusBySystem: boolean
  /** The person's own limit of simultaneous chats, as it was given; the wire sends it back so. */
  chatLimit?: string | number
  language?: string
  nickname?: string
  bio?: string
  preferences: Record<string, unknown>
  customFields: Record<string, unknown>
  createdAt: string
  updatedAt: string
}

export type Presence = 'online' | 'away' | 'busy' | 'offline'
export type ServiceStatus = 'available' | 'not-available'

export interface NewUser {
  id: string
  username: string
  name: string
  email?: string | undefined
  isEmailVerified: boolean
  passwordHash: string | null
  isActive: boolean
  mustChangePassword: boolean
  roles: readonly string[]
  serviceStatus?: ServiceStatus | undefined
  customFields?: Record<string, unknown> | undefined
}

/** What a change may set; absent keys stay as they are. */
export type UserChange = Partial<
  Pick<
    UserTable,
    | 'username'
    | 'name'
    | 'passwordHash'
    | 'presence'
    | 'presenceChosen'
    | 'connection'
    | 'statusText'
    | 'serviceStatus'
    | 'chatLimit'
    | 'language'
    | 'nickname'
    | 'bio'
  >
> & {
  email?: string | null
  isEmailVerified?: boolean
  isActive?: boolean
  mustChangePassword?: boolean
  isServiceStatusBySystem?: boolean
  preferences?: Record<string, unknown>
  customFields?: Record<string, unknown>
}

/** Names and addresses that differ only in case are the same; SQL's own folding knows only ASCII on one database. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

const byId = statement((sql, p: { id: string }) => sql.selectFrom('user').selectAll().where('id', '=', p.id))
const byUsername = statement((sql, p: { folded: string }) =>
  sql.selectFrom('user').selectAll().where('usernameFolded', '=', p.folded),
)
const byEmail = statement((sql, p: { folded: string }) =>
  sql.selectFrom('user').selectAll().where('emailFolded', '=', p.folded),
)
const rolesOf = statement((sql, p: { userId: string }) =>
  sql.selectFrom('userRole').select('role').where('userId', '=', p.userId).orderBy('role'),
)

export async function findUserById(reader: Reader, id: string): Promise<User | undefined> {
  return withRoles(reader, await byId.first(reader, { id }))
}

export async function findUserByUsername(reader: Reader, username: string): Promise<User | undefined> {
  return withRoles(reader, await byUsername.first(reader, { folded: fold(username) }))
}

export async function findUserByEmail(reader: Reader, email: string): Promise<User | undefined> {
  return withRoles(reader, await byEmail.first(reader, { folded: fold(email) }))
}

/** The stored hash of a password; it never leaves the sign-in. */
export async function findPasswordHash(reader: Reader, userId: string): Promise<string | null> {
  return (await byId.first(reader, { id: userId }))?.passwordHash ?? null
}

/** Takes an account's row if it is active and its password is still this one: nobody can change either beside it. */
export async function takeIfUnchanged(tx: Transaction, id: string, passwordHash: string): Promise<boolean> {
  const taken = await tx.run(
    tx.sql
      .updateTable('user')
      .set({ passwordHash })
      .where('id', '=', id)
      .where('passwordHash', '=', passwordHash)
      .where('isActive', '=', 1),
  )
  return taken === 1
}

/** Inserts the account and its roles; answers whether the name and the address were free. */
export async function insertUser(tx: Transaction, user: NewUser): Promise<boolean> {
  const { roles, isActive, isEmailVerified, mustChangePassword, customFields, email, serviceStatus, ...plain } = user
  const inserted = await tx.run(
    tx.sql
      .insertInto('user')
      .values({
        ...plain,
        email: email ?? null,
        emailFolded: email === undefined ? null : fold(email),
        emailVerified: toFlag(isEmailVerified),
        usernameFolded: fold(user.username),
        nameFolded: fold(user.name),
        isActive: toFlag(isActive),
        mustChangePassword: toFlag(mustChangePassword),
        presence: 'offline',
        presenceChosen: 'online',
        connection: 'offline',
        statusText: '',
        serviceStatus: serviceStatus ?? null,
        serviceStatusBySystem: 0,
        chatLimit: null,
        openChats: 0,
        rotation: 0,
        lastRoutedAt: null,
        language: null,
        nickname: null,
        bio: null,
        preferences: null,
        customFields: toJson(customFields),
        createdAt: tx.now,
        updatedAt: tx.now,
      })
      .onConflict((conflict) => conflict.doNothing()),
  )
  if (inserted === 1) await replaceRoles(tx, user.id, roles)
  return inserted === 1
}

/** Writes what a change sets. */
export async function updateUser(tx: Transaction, id: string, change: UserChange): Promise<void> {
  const {
    email,
    isEmailVerified,
    isActive,
    mustChangePassword,
    isServiceStatusBySystem,
    preferences,
    customFields,
    ...plain
  } = change
  await tx.run(
    tx.sql
      .updateTable('user')
      .set({
        ...plain,
        ...(plain.username !== undefined && { usernameFolded: fold(plain.username) }),
        ...(plain.name !== undefined && { nameFolded: fold(plain.name) }),
        ...(email !== undefined && { email, emailFolded: email === null ? null : fold(email) }),
        ...flagsOf({ isEmailVerified, isActive, mustChangePassword, isServiceStatusBySystem }),
        ...(preferences !== undefined && { preferences: toJson(preferences) }),
        ...(customFields !== undefined && { customFields: toJson(customFields) }),
        updatedAt: tx.now,
      })
      .where('id', '=', id),
  )
}

function flagsOf(
  change: Record<
    'isEmailVerified' | 'isActive' | 'mustChangePassword' | 'isServiceStatusBySystem',
    boolean | undefined
  >,
) {
  const { isEmailVerified, isActive, mustChangePassword, isServiceStatusBySystem } = change
  return {
    ...(isEmailVerified !== undefined && { emailVerified: toFlag(isEmailVerified) }),
    ...(isActive !== undefined && { isActive: toFlag(isActive) }),
    ...(mustChangePassword !== undefined && { mustChangePassword: toFlag(mustChangePassword) }),
    ...(isServiceStatusBySystem !== undefined && { serviceStatusBySystem: toFlag(isServiceStatusBySystem) }),
  }
}

/** Makes the roles of an account exactly these. */
export async function replaceRoles(tx: Transaction, userId: string, roles: readonly string[]): Promise<void> {
  await tx.run(tx.sql.deleteFrom('userRole').where('userId', '=', userId))
  for (const role of new Set(roles)) await tx.run(tx.sql.insertInto('userRole').values({ userId, role }))
}

/** Removes an account; its roles and sessions go with it. */
export async function deleteUser(tx: Transaction, id: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('user').where('id', '=', id))
}

/** How many active accounts hold a role, not counting one of them. */
export async function countActiveInRole(reader: Reader, role: string, exceptId = ''): Promise<number> {
  const row = await reader.first(
    reader.sql
      .selectFrom('userRole')
      .innerJoin('user', 'user.id', 'userRole.userId')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('userRole.role', '=', role)
      .where('user.isActive', '=', 1)
      .where('user.id', '!=', exceptId),
  )
  return row?.count ?? 0
}

/**
 * Lets the changes of accounts run one after the other until this transaction ends: what is checked of other accounts
 * (a name is free, an administrator remains) is still so when it commits.
 */
export async function takeAccounts(tx: Transaction): Promise<void> {
  await tx.run(
    tx.sql
      .insertInto('counter')
      .values({ name: 'accounts', value: 1 })
      .onConflict((conflict) => conflict.column('name').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) }))),
  )
}

/** Signs an account out everywhere, or everywhere but in one session. Answers how many sessions ended. */
export function deleteSessionsOf(tx: Transaction, userId: string, exceptHash = ''): Promise<number> {
  return tx.run(tx.sql.deleteFrom('session').where('userId', '=', userId).where('tokenHash', '!=', exceptHash))
}

/** Makes the one-time links into an account worthless. */
export async function deleteLinksOf(tx: Transaction, userId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('accountLink').where('userId', '=', userId))
}

async function withRoles(reader: Reader, row: Selectable<UserTable> | undefined): Promise<User | undefined> {
  if (row === undefined) return undefined
  const roles = await rolesOf.all(reader, { userId: row.id })
  return fromRow(
    row,
    roles.map(({ role }) => role),
  )
}

/** An account as the rules see it. */
export function fromRow(row: Selectable<UserTable>, roles: string[]): User {
  const chatLimit = fromJson<string | number>(row.chatLimit)
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    ...(row.email !== null && { email: row.email }),
    isEmailVerified: row.emailVerified === 1,
    isActive: row.isActive === 1,
    mustChangePassword: row.mustChangePassword === 1,
    roles,
    presence: row.presence as Presence,
    presenceChosen: row.presenceChosen as Presence,
    connection: row.connection as User['connection'],
    statusText: row.statusText,
    ...(row.serviceStatus !== null && { serviceStatus: row.serviceStatus as ServiceStatus }),
    isServiceStatusBySystem: row.serviceStatusBySystem === 1,
    ...(chatLimit !== undefined && { chatLimit }),
    ...withoutNulls({ language: row.language, nickname: row.nickname, bio: row.bio }),
    preferences: fromJson<Record<string, unknown>>(row.preferences) ?? {},
    customFields: fromJson<Record<string, unknown>>(row.customFields) ?? {},
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
