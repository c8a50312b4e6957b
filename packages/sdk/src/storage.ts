/** Where a session keeps what must survive a reload. Each method may answer at once or later. */
export interface KeyValueStorage {
  /** `null` or `undefined` where nothing is kept. */
  get(key: string): string | null | undefined | Promise<string | null | undefined>
  set(key: string, value: string): unknown
  remove(key: string): unknown
  /** No other tab or program can see what is kept here. */
  readonly isPrivate?: boolean
}

/** `localStorage`, `sessionStorage`, React Native's AsyncStorage: anything with items. */
export interface ItemStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** Keeps everything as long as the program runs, and no longer. */
export function memoryStorage(): KeyValueStorage {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    isPrivate: true,
  }
}

/** Keeps everything in `items`: the page's `localStorage` unless given, or React Native's AsyncStorage. */
export function itemStorage(items: ItemStorage = localStorage): KeyValueStorage {
  return {
    get: (key) => items.getItem(key),
    set: (key, value) => items.setItem(key, value),
    remove: (key) => items.removeItem(key),
  }
}

/** Keeps everything in an IndexedDB database of this name, which is made when it is first needed. */
export function indexedDBStorage(name = 'deskbell'): KeyValueStorage {
  let opened: Promise<IDBDatabase> | undefined
  const store = async (mode: IDBTransactionMode) => {
    const database = await (opened ??= openDatabase(name))
    return database.transaction('values', mode).objectStore('values')
  }
  return {
    get: async (key) =>
      resultOf<string | undefined>((await store('readonly')).get(key) as IDBRequest<string | undefined>),
    set: async (key, value) => resultOf((await store('readwrite')).put(value, key)),
    remove: async (key) => resultOf((await store('readwrite')).delete(key)),
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => void request.result.createObjectStore('values')
  return resultOf(request)
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed.'))
  })
}
