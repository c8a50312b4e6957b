#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one gets a sentence instead of a syntax error, and a current one keeps
// the compiled program, which halves the start and saves the memory of the TypeScript stripper.
import * as nodeModule from 'node:module'
import { join } from 'node:path'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`deskbell: Node.js 22.18 or newer is needed, this is ${process.version}\n`)
  process.exitCode = 1
} else {
  // Not in the folder for temporary files: whoever writes there first would choose what runs here.
  nodeModule.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compiled'))
  await import('../src/main.ts')
}
