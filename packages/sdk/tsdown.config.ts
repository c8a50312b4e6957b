import { defineConfig } from 'tsdown'
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

export default defineConfig({
  entry: 'src/sdk.ts',
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: true,
  dts: { oxc: true, compilerOptions: { stripInternal: true } },
  // Not under `plugins`, which the declarations of the CommonJS bundle do not pass.
  inputOptions: (options) => ({ ...options, plugins: [selfContainedAnswers, options.plugins] }),
  outputOptions: { comments: false },
})
