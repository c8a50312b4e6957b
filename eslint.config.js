import tseslint from 'typescript-eslint'
import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { areaBoundaries } from './lint/areas.js'
import { noBannedWords } from './lint/words.js'

const server = './packages/server/src'

/** The import table of docs/architecture.md: folder → what it may not import. */
const boundaries = [
  { target: './packages/contract/src', from: ['./packages/server', './packages/sdk'] },
  { target: './packages/sdk/src', from: ['./packages/server'] },
  ...['http', 'realtime', 'events', 'database', 'jobs', 'mail', 'files'].map((folder) => ({
    target: `${server}/${folder}/!(*.test).ts`,
    from: `${server}/areas`,
  })),
]

const unnamedExports = [
  { selector: 'ExportDefaultDeclaration', message: 'No default exports: the name is the address.' },
  { selector: 'ExportAllDeclaration', message: 'No barrels.' },
]

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'data/**', 'docs/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: {
      'import-x': importX,
      deskbell: { rules: { 'no-banned-words': noBannedWords, 'area-boundaries': areaBoundaries } },
    },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ noWarnOnMultipleProjects: true })] },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/no-cycle': ['error', { maxDepth: 12 }],
      'import-x/no-restricted-paths': ['error', { zones: boundaries, basePath: import.meta.dirname }],
      'deskbell/no-banned-words': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 60 }],
      'max-params': ['error', 4],
      complexity: ['error', 10],
      'max-depth': ['error', 3],
      'no-restricted-syntax': ['error', ...unnamedExports],
    },
  },
  {
    // Only stores and database/ know SQL; only config.ts reads the environment; areas take time and ids from `tx`.
    files: ['packages/server/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
    },
  },
  {
    files: ['packages/server/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/store.ts', '**/*-store.ts', 'packages/server/src/database/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'kysely', message: 'SQL lives in store.ts and database/.', allowTypeImports: false }] },
      ],
    },
  },
  {
    files: ['packages/server/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'deskbell/area-boundaries': 'error' },
  },
  {
    // The contract is data: it knows the schema library and nothing else.
    files: ['packages/contract/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!typebox$|\\.)', message: 'The contract knows nothing but the schema library.' }] },
      ],
    },
  },
  {
    // A type import leaves no code, so the published SDK has no dependencies.
    files: ['packages/sdk/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [{ regex: '^[^.]', allowTypeImports: true, message: 'The SDK has no dependencies: import types.' }],
        },
      ],
    },
  },
  {
    // The hooks need React, which their users have.
    files: ['packages/sdk/src/react/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!react$)[^.]', allowTypeImports: true, message: 'The hooks need only React.' }] },
      ],
    },
  },
  {
    files: ['packages/server/src/areas/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
        { object: 'Math', property: 'random', message: 'Ids come from tx.newId().' },
        { object: 'Date', property: 'now', message: 'Time comes from tx.now.' },
      ],
      'no-restricted-syntax': [
        'error',
        ...unnamedExports,
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Time comes from tx.now.' },
      ],
    },
  },
  { files: ['packages/server/src/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['**/*.test.ts', '**/testing/**', 'bench/**', '**/demo/**', '**/test/**', '**/browser/**'],
    // These are published.
    ignores: ['packages/sdk/src/testing/**'],
    rules: {
      'max-lines': ['error', { max: 800 }],
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests look into answers of any shape; the server has held them against the contract.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  // Tables of operations, and factories whose functions share what they close over.
  { files: ['packages/sdk/src/testing/**'], rules: { 'max-lines-per-function': ['error', { max: 140 }] } },
  {
    files: ['**/schema.ts', '**/catalogue.ts', '**/migrations/*.ts'],
    rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' },
  },
  { files: ['*.config.ts', '**/*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
)
