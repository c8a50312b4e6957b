// Parts of the desk, each with agents and rules of its own.
import type { Reader } from '../../database/transaction.ts'
import { findDepartment, findDepartmentByName, type Department } from './store.ts'

export type { Department } from './store.ts'
export { findDepartment } from './store.ts'

/** The department with this id or name, in any state. */
export async function findDepartmentNamed(reader: Reader, idOrName: string): Promise<Department | undefined> {
  return (await findDepartment(reader, idOrName)) ?? (await findDepartmentByName(reader, idOrName))
}
