// Before the tests in a browser: builds the SDK as it is published, and the pages that use it, in a folder of their own.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'tsdown'

const sdk = join(import.meta.dirname, '..')
const pages = join(import.meta.dirname, 'pages')
const FOLDER_VARIABLE = 'DESKBELL_TEST_SITE'

let folder: string | undefined

/** Says in the environment where the built files lie. */
export async function setup(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'deskbell-site-'))
  const modules = join(folder, 'node_modules')
  const packed = join(modules, '@deskbell/sdk')
  mkdirSync(packed, { recursive: true })
  cpSync(join(sdk, 'package.json'), join(packed, 'package.json'))
  // For the rendering on a server; pages get the bundle below.
  for (const name of ['react', 'react-dom']) symlinkSync(folderOf(name), join(modules, name))
  cpSync(pages, folder, { recursive: true, filter: (file) => !file.endsWith('.ts') })
  writeFileSync(join(folder, 'readme-chat.tsx'), readmeExample())
  await Promise.all([
    build({ config: join(sdk, 'tsdown.config.ts'), ...quietly, dts: false, outDir: join(packed, 'dist') }),
    buildReact(folder),
    buildPages(folder),
  ])
  process.env[FOLDER_VARIABLE] = folder
}

/** After the tests. */
export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}

const quietly = { logLevel: 'error' } as const
const forPages = {
  ...quietly,
  config: false,
  clean: false,
  dts: false,
  format: 'esm',
  platform: 'browser',
  fixedExtension: true,
} as const

function folderOf(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
}

/** React is no ES module. In its development build, which warns of what is wrong. */
async function buildReact(outDir: string): Promise<void> {
  const define = { 'process.env.NODE_ENV': '"development"' }
  const deps = { alwaysBundle: [/./], onlyBundle: false as const }
  await build({ ...forPages, entry: join(pages, 'all-of-react.ts'), outDir, define, deps })
}

/** What the pages do themselves; they import React and the SDK by name. */
async function buildPages(outDir: string): Promise<void> {
  const sources = { chat: join(pages, 'chat.ts'), render: join(pages, 'render.ts') }
  const entry = { ...sources, 'readme-chat': join(outDir, 'readme-chat.tsx') }
  const deps = { neverBundle: [/^react/, /^@deskbell/] }
  await build({ ...forPages, entry, outDir, deps, plugins: [hooksByName] })
}

/** The compiler knows them as source, browsers as what is published. */
const hooksByName = {
  name: 'hooks-by-name',
  resolveId: (id: string) => (id.endsWith('/react/react.ts') ? { id: '@deskbell/sdk/react', external: true } : null),
}

/** The React example of the readme, word by word but for the address, which the page is told. */
function readmeExample(): string {
  const [, example] = /```tsx\n([\s\S]*?)```/.exec(readFileSync(join(sdk, 'README.md'), 'utf8')) ?? []
  if (example === undefined) throw new Error('The readme has no example for React.')
  return example.replace("'https://chat.example.com'", "new URLSearchParams(location.search).get('server')")
}
