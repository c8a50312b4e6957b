// What a server that renders pages does with the chat: `node render.mjs <serverURL>` prints its HTML.
import { createElement, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { Chat } from './chat.ts'

const [, , serverURL = ''] = process.argv
console.log(renderToString(createElement(StrictMode, null, createElement(Chat, { serverURL }))))
