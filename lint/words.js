// One word per thing, everywhere (STYLE.md, "Names"): this rule refuses the words that mean nothing or mean two things.
const banned = ['utils', 'util', 'helper', 'helpers', 'common', 'misc', 'impl', 'guest', 'omnichannel', 'operator']

/** A camelCase or kebab-case name as lower-case words. */
function wordsOf(name) {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
}

export const noBannedWords = {
  meta: { type: 'suggestion', schema: [], messages: { banned: "'{{word}}' in '{{name}}': say what it is (STYLE.md)" } },
  create(context) {
    function refuse(node, name) {
      const word = wordsOf(name).find((candidate) => banned.includes(candidate))
      if (word !== undefined) context.report({ node, messageId: 'banned', data: { word, name } })
    }
    return {
      Program(node) {
        const file = context.filename.split('/').at(-1) ?? ''
        refuse(node, file.replace(/\.[a-z]+$/, ''))
      },
      'FunctionDeclaration > Identifier.id, VariableDeclarator > Identifier.id, ClassDeclaration > Identifier.id'(
        node,
      ) {
        refuse(node, node.name)
      },
    }
  },
}
