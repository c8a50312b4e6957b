import { defineConfig } from 'tsdown'
import type { UserConfig } from 'tsdown'
import { spellOut } from './build/spell-out.ts'

const answers = `${import.meta.dirname}/src/answers.ts`

/** The declarations must not import the contract, which is private. */
const selfContainedAnswers = {
  name: 'self-contained-answers',
  load: (id: string) =>
    id === answers
      ? { code: spellOut(answers, `${import.meta.dirname}/tsconfig.json`), moduleType: 'ts' as const }
      : null,
}

/** The other entries import the library by its name, so that a program has it once. */
const libraryByName = {
  name: 'library-by-name',
  resolveId: (id: string) => (id === '../sdk.ts' ? { id: '@deskbell/sdk', external: true } : null),
}

const shared = {
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: true,
  dts: { oxc: true, compilerOptions: { stripInternal: true } },
  // Not under `plugins`, which the declarations of the CommonJS bundle do not pass.
  inputOptions: (options) => ({ ...options, plugins: [selfContainedAnswers, libraryByName, options.plugins] }),
  outputOptions: { comments: false },
} satisfies UserConfig

export default defineConfig([
  { ...shared, entry: 'src/sdk.ts' },
  { ...shared, entry: 'src/testing/testing.ts' },
  // React's servers take hooks for code of the client only where a file says so.
  { ...shared, entry: 'src/react/react.ts', banner: { js: "'use client'" } },
])
