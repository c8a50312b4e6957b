import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root })

/** The folders that the tree in docs/architecture.md draws, as paths. */
function drawnFolders(): string[] {
  const tree =
    /^```\n(packages\/\n.*?)^```$/ms.exec(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))?.[1] ?? ''
  const parents: string[] = []
  return [...tree.matchAll(/^( *)([a-z/-]+)\/(?= |$)/gm)].map(([, indent = '', name = '']) => {
    const depth = indent.length / 2
    parents.length = depth
    parents.push(name)
    return parents.join('/')
  })
}

describe('docs/architecture.md', () => {
  test('has a line for every folder of the source', () => {
    const folders = globSync('packages/*/src/**/', { cwd: root })
      .map((folder) => folder.replace(/\/$/, ''))
      .filter((folder) => statSync(join(root, folder)).isDirectory())
    expect(folders.length).toBeGreaterThan(15)
    expect(folders.filter((folder) => !drawnFolders().includes(folder))).toEqual([])
  })

  test('draws no folder that is not there', () => {
    expect(drawnFolders().filter((folder) => !existsSync(join(root, folder)))).toEqual([])
  })
})

describe('the documents', () => {
  test.each(documents)('%s links to files that are there', (document) => {
    const text = readFileSync(join(root, document), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    const missing = links.filter((link) => !existsSync(join(root, dirname(document), link)))
    expect(missing.map((link) => relative(root, join(root, dirname(document), link)))).toEqual([])
  })

  test('name only npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    const named = documents.flatMap((document) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name),
    )
    expect(named.filter((name) => name !== undefined && !(name in scripts))).toEqual([])
  })
})
