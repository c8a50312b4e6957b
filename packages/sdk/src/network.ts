/** What the device knows of its network. Browsers have it; elsewhere give one, or go without. */
export interface NetworkSigns {
  /** False where the device says that it has no network. */
  isOnline(): boolean
  /** Calls when the network or the user may have come back, or the network has gone; the answer ends that. */
  onChange(listener: () => void): () => void
}

interface EventSource {
  addEventListener?: (type: string, listener: () => void) => void
  removeEventListener?: (type: string, listener: () => void) => void
}

/** The signs of the platform: `navigator.onLine`, `online`, `offline`, and pages that are looked at again. */
export const platformNetwork: NetworkSigns = {
  isOnline: () => (globalThis.navigator as Navigator | undefined)?.onLine !== false,
  onChange(listener) {
    const page = (globalThis as { document?: EventSource & { visibilityState?: string } }).document
    const onVisible = () => {
      if (page?.visibilityState === 'visible') listener()
    }
    const sources: [EventSource | undefined, string, () => void][] = [
      [globalThis, 'online', listener],
      [globalThis, 'offline', listener],
      [page, 'visibilitychange', onVisible],
    ]
    for (const [source, type, hear] of sources) source?.addEventListener?.(type, hear)
    return () => {
      for (const [source, type, hear] of sources) source?.removeEventListener?.(type, hear)
    }
  },
}
