// A desk, a shop's web site and a browser: what every test here starts with.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { AgentSession } from '../src/agent.ts'
import type { Session } from '../src/events.ts'
import type * as Sdk from '../src/sdk.ts'
import type { VisitorSession } from '../src/visitor.ts'
import { configure } from '../../server/testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../server/testing/testing.ts'
import { launchChromium } from './chromium.ts'
import { startSite, type Site } from './site.ts'

/** What there is in the page `talk.html`, and what tests leave there for later. */
declare global {
  var sdk: typeof Sdk
  var until: <State>(
    session: Pick<Session<State, never>, 'state' | 'subscribe'>,
    isSo: (state: State) => unknown,
  ) => Promise<State>
  var chat: VisitorSession
  var agent: AgentSession
  /** What a page has heard. */
  var told: string[]
}

export interface Stage {
  readonly desk: TestServer
  readonly agent: StaffMember
  readonly site: Site
  readonly browser: Browser
  /** Where the desk answers, also after a restart. */
  readonly url: string
  /** A browser that nobody has used; gone after the test. */
  readonly context: BrowserContext
  /** Opens a page of the site; `talk.html` unless given. */
  open(path?: string, context?: BrowserContext): Promise<Page>
  /** The server goes away, and comes back at the same address. */
  leave(): Promise<void>
  comeBack(): Promise<void>
}

/** Sets everything up for the tests of a file. What a page complains of fails the test. */
export function setStage(): Stage {
  let desk: TestServer
  let agent: StaffMember
  let site: Site
  let browser: Browser
  let context: BrowserContext
  let url: string
  let complaints: string[] = []
  let isAway = false

  async function comeBack(): Promise<void> {
    await desk.listen(Number(new URL(url).port))
    isAway = false
  }

  beforeAll(async () => {
    ;[desk, site, browser] = await Promise.all([startTestServer(), startSite(), launchChromium()])
    agent = await desk.agent({ username: 'anna', name: 'Anna' })
    await configure(desk, { Realtime_Allowed_Origins: site.url })
    url = await desk.listen()
  })
  beforeEach(async () => {
    complaints = []
    context = await browser.newContext()
    context.on('console', (message) => {
      const isNetwork = /^(Failed to load resource|WebSocket connection to)/.test(message.text())
      if (['error', 'warning'].includes(message.type()) && !isNetwork) complaints.push(message.text())
    })
    context.on('weberror', (thrown) => complaints.push(String(thrown.error())))
  })
  afterEach(async () => {
    await context.close()
    if (isAway) await comeBack()
    expect(complaints).toEqual([])
  })
  afterAll(async () => {
    await browser.close()
    await Promise.all([desk.stop(), site.close()])
  })

  return {
    get desk() {
      return desk
    },
    get agent() {
      return agent
    },
    get site() {
      return site
    },
    get browser() {
      return browser
    },
    get url() {
      return url
    },
    get context() {
      return context
    },
    async open(path = '/talk.html', where = context) {
      const page = await where.newPage()
      await page.goto(new URL(path, site.url).href)
      return page
    },
    async leave() {
      isAway = true
      await desk.restart()
    },
    comeBack,
  }
}

/**
 * Nothing runs in a page any more, until the answer is called: locks are kept, sockets stay open, nobody listens. Chromium freezes
 * no page that can be seen, as all are without a screen, so a debugger holds it.
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const debugging = await page.context().newCDPSession(page)
  await debugging.send('Debugger.enable')
  const paused = new Promise((resolve) => debugging.once('Debugger.paused', resolve))
  await debugging.send('Debugger.pause')
  // It stops at the next statement that it runs; the answer to this one comes after it goes on.
  const statement = debugging.send('Runtime.evaluate', { expression: '0' })
  await paused
  return async () => {
    await debugging.send('Debugger.resume')
    await statement
    await debugging.detach()
  }
}
