import type { Reader } from '../../database/transaction.ts'

/** Whether somebody who may sign in has the role `admin`. */
export async function hasAdministrator(reader: Reader): Promise<boolean> {
  const row = await reader.first(
    reader.sql
      .selectFrom('userRole')
      .innerJoin('user', 'user.id', 'userRole.userId')
      .select('user.id')
      .where('userRole.role', '=', 'admin')
      .where('user.isActive', '=', 1)
      .limit(1),
  )
  return row !== undefined
}
