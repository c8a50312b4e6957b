import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { findChromium } from './packages/sdk/browser/chromium.ts'
import { findPostgres } from './packages/server/testing/postgres-setup.ts'

const engines = await enginesToTest()

export default defineConfig({
  test: {
    // Tests wait for disks and databases more than they compute.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/{contract,sdk}/**/*.test.ts',
            'packages/server/{src,testing}/**/*.unit.test.ts',
            'lint/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**', 'packages/sdk/browser/**'],
          testTimeout: 20_000,
        },
      },
      ...engines.map((engine) => ({
        test: {
          name: engine,
          include: ['packages/server/**/*.test.ts'],
          exclude: ['**/*.unit.test.ts', '**/node_modules/**'],
          env: { DESKBELL_TEST_ENGINE: engine },
          globalSetup: [`packages/server/testing/${engine}-setup.ts`],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      })),
      ...browserProjects(),
    ],
  },
})

/** The tests in a browser. On a machine without Chromium they are left out; in CI they fail. */
function browserProjects(): TestProjectConfiguration[] {
  if (process.env['CI'] === undefined && findChromium() === undefined) {
    console.warn('There is no Chromium on this machine: its tests are SKIPPED.')
    return []
  }
  return [
    {
      test: {
        name: 'browser',
        include: ['packages/sdk/browser/**/*.test.ts'],
        globalSetup: ['packages/server/testing/sqlite-setup.ts', 'packages/sdk/browser/setup.ts'],
        testTimeout: 30_000,
        hookTimeout: 60_000,
      },
    },
  ]
}

/** Both databases, or those that `DATABASES` names. On a machine without PostgreSQL its tests are left out; in CI they fail. */
async function enginesToTest(): Promise<string[]> {
  const { DATABASES: named, CI: isCi } = process.env
  if (named !== undefined && named !== '') return named.split(',')
  if (isCi !== undefined || (await findPostgres()) !== undefined) return ['sqlite', 'postgres']
  console.warn('There is no PostgreSQL on this machine: its tests are SKIPPED.')
  return ['sqlite']
}
