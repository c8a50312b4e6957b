import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { spellOut } from '../build/spell-out.ts'

const folder = `${import.meta.dirname}/..`
const answers = `${folder}/src/answers.ts`

test('the published types of the answers are those of the contract and import nothing', { timeout: 60_000 }, () => {
  const text = spellOut(answers, `${folder}/tsconfig.json`)
  expect(text).not.toContain('import')
  const names = Array.from(text.matchAll(/^export (?:interface|type) (\w+)/gm), ([, name]) => name)
  expect(names).toContain('RoomAnswer')

  const temporary = mkdtempSync(`${tmpdir()}/deskbell-`)
  try {
    writeFileSync(`${temporary}/spelled-out.ts`, text)
    const comparisons = names.map(
      (name) => `(one: spelled.${name}): source.${name} => one; (one: source.${name}): spelled.${name} => one;`,
    )
    const imports = `import type * as source from '${answers}'; import type * as spelled from './spelled-out.ts';`
    writeFileSync(`${temporary}/comparison.ts`, [imports, ...comparisons].join('\n'))
    expect(complaintsAbout(`${temporary}/comparison.ts`)).toEqual([])
  } finally {
    rmSync(temporary, { recursive: true })
  }
})

function complaintsAbout(fileName: string): string[] {
  const { config } = ts.readConfigFile(`${folder}/../../tsconfig.base.json`, (path) => ts.sys.readFile(path)) as {
    config: unknown
  }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
  const program = ts.createProgram([fileName], options)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}
