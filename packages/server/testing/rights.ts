// Somebody who may not write everywhere. Root may, unless it gives that up.
import { spawnSync } from 'node:child_process'

const givingUp = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']
const isRoot = process.getuid?.() === 0

/** Whether the rights of files can be made to count here. */
export const canLackRights = !isRoot || spawnSync('setpriv', [...givingUp.slice(1), 'true']).status === 0

/** A command to run another under, which is then stopped by the rights of files. */
export const withoutOverride: readonly string[] = isRoot ? givingUp : []
