// The browser of this machine, for tests that only a browser can pass.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const PROGRAM_VARIABLE = 'DESKBELL_TEST_CHROMIUM'
const programs = ['chromium', 'chromium-browser', 'google-chrome']

/** A name that leads to this machine and is neither `localhost` nor encrypted: to browsers, a page there is not secure. */
export const PLAIN_HOST = 'shop.example'

/** The program that the environment names, else one of those in the path. */
export function findChromium(): string | undefined {
  const named = process.env[PROGRAM_VARIABLE]
  if (named !== undefined && named !== '') return named
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => programs.map((program) => join(folder, program))).find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts a browser with nothing in it. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined)
    throw new Error(`There is no Chromium: install it, or say in ${PROGRAM_VARIABLE} where it is.`)
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
    ],
  })
}
