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
  const forget = () => (opened = undefined)

  async function run<T>(mode: IDBTransactionMode, ask: (values: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await (opened ??= openDatabase(name, forget))).transaction('values', mode)
    const request = ask(transaction.objectStore('values'))
    return new Promise((resolve, reject) => {
      // What was written is kept when its transaction has ended, not when the request has.
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB failed.'))
    })
  }

  return {
    get: (key) => run('readonly', (values) => values.get(key) as IDBRequest<string | undefined>),
    set: (key, value) => run('readwrite', (values) => values.put(value, key)),
    remove: (key) => run('readwrite', (values) => values.delete(key)),
  }
}

/** `onGone` is called when the database cannot be used any more, or not at all. */
function openDatabase(name: string, onGone: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  return new Promise((resolve, reject) => {
    request.onupgradeneeded = () => void request.result.createObjectStore('values')
    request.onsuccess = () => {
      const database = request.result
      // The user has cleared what the browser keeps.
      database.onclose = onGone
      // A page wants to do so, and waits until nobody has it open.
      database.onversionchange = () => {
        database.close()
        onGone()
      }
      resolve(database)
    }
    request.onerror = () => {
      onGone()
      reject(request.error ?? new Error('IndexedDB failed.'))
    }
  })
}
