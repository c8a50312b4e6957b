// The part of parse5 that tests use; this version brings no types of its own.
declare module 'parse5' {
  export interface Node {
    nodeName: string
    tagName?: string
    value?: string
    attrs?: { name: string; value: string }[]
    childNodes?: Node[]
  }
  export function parse(html: string): Node
}
