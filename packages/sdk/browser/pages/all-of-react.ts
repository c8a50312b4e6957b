// As much of React as the pages import, by the names under which browsers find it without a bundler.
export {
  createContext,
  createElement,
  Fragment,
  StrictMode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
export { jsx, jsxs } from 'react/jsx-runtime'
export { createRoot, hydrateRoot } from 'react-dom/client'
