import { createContext, createElement, useContext, useEffect, useMemo, useRef, useState } from 'react'
import type { ReactElement, ReactNode } from 'react'
import { openVisitorSession } from '../sdk.ts'
import type { VisitorSession, VisitorSessionOptions } from '../sdk.ts'
import { openUnread, type Unread } from './unread.ts'

/** What the hooks share below one provider. */
export interface Shared {
  readonly session: VisitorSession
  readonly unread: Unread
}

const SharedContext = createContext<Shared | undefined>(undefined)

/** Either a session of your own, which you end yourself, or the options of one that lives as long as the provider. */
export type LivechatProviderProps = { children?: ReactNode } & (
  | { session: VisitorSession | undefined; options?: undefined }
  | {
      /**
       * Read when the provider appears; another `serverURL`, `token` or `department` opens another session. `undefined`
       * opens none.
       */
      options: VisitorSessionOptions | undefined
      session?: undefined
      /** Hears why no session could be opened. */
      onError?: (error: unknown) => void
    }
)

/** Gives a visitor's session to the hooks below. On the server it opens nothing. */
export function LivechatProvider(props: LivechatProviderProps): ReactElement {
  const opened = useOpened(props)
  const session = props.session ?? opened
  const shared = useMemo(() => session && { session, unread: openUnread(session) }, [session])
  useEffect(() => shared?.unread.begin(), [shared])
  return createElement(SharedContext.Provider, { value: shared }, props.children)
}

/** The session of the provider's own options. */
function useOpened({ options, ...props }: LivechatProviderProps): VisitorSession | undefined {
  const [session, setSession] = useState<VisitorSession>()
  const latest = useRef({ options, ...props })
  useEffect(() => {
    latest.current = { options, ...props }
  })
  useEffect(() => {
    if (latest.current.options === undefined) return undefined
    return openLater(latest.current.options, {
      onSession: setSession,
      onError: (error) => {
        const { onError } = latest.current as { onError?: (error: unknown) => void }
        if (onError === undefined) throw error
        onError(error)
      },
    })
  }, [options?.serverURL, options?.token, options?.department, options === undefined])
  return session
}

/** Opens a session, unless that is taken back at once, as it is where effects run twice on trial (`StrictMode`). */
function openLater(
  options: VisitorSessionOptions,
  {
    onSession,
    onError,
  }: { onSession: (session: VisitorSession | undefined) => void; onError: (error: unknown) => void },
): () => void {
  const ending = new AbortController()
  const isWanted = () => !ending.signal.aborted
  const open = async () => {
    await Promise.resolve()
    if (!isWanted()) return
    const session = await openVisitorSession(options)
    if (!isWanted()) {
      session.end()
      return
    }
    ending.signal.addEventListener('abort', () => session.end())
    onSession(session)
  }
  // A failure without a listener is an unhandled rejection, which every platform reports.
  void open().catch(onError)
  return () => {
    ending.abort()
    onSession(undefined)
  }
}

/** What the nearest provider gives; nothing while it has no session. */
export function useShared(): Shared | undefined {
  return useContext(SharedContext)
}
