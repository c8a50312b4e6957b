import ts from 'typescript'

/**
 * The exported types of a file as TypeScript text that imports nothing: the contract is private, and its schema types
 * would make 200 kB of the published declarations. An exported type that occurs inside another is named there.
 */
export function spellOut(fileName: string, tsconfig: string): string {
  const { options } = readConfig(tsconfig)
  const program = ts.createProgram([fileName], options)
  const errors = ts
    .getPreEmitDiagnostics(program)
    .map((error) => ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  if (errors.length > 0) throw new Error(`${fileName} does not compile:\n${errors.join('\n')}`)

  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(fileName) as ts.SourceFile) as ts.Symbol
  const exported = checker.getExportsOfModule(module).map((symbol) => ({
    name: symbol.name,
    type: checker.getDeclaredTypeOfSymbol(symbol),
    comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
  }))
  const names = new Map<ts.Type, string>()
  for (const { name, type } of exported) if (!names.has(type) && isShape(type)) names.set(type, name)

  return exported
    .map(({ name, type, comment }) => {
      const isOwnName = names.get(type) === name
      const text = isOwnName ? textOfShape(type, checker, names) : textOf(type, checker, names)
      return `${commented(comment)}export ${isOwnName ? `interface ${name}` : `type ${name} =`} ${text}`
    })
    .join('\n')
}

function readConfig(tsconfig: string): ts.ParsedCommandLine {
  const { config } = ts.readConfigFile(tsconfig, (path) => ts.sys.readFile(path)) as { config: unknown }
  return ts.parseJsonConfigFileContent(config, ts.sys, tsconfig.replace(/[^/\\]+$/, ''))
}

type Names = ReadonlyMap<ts.Type, string>

function isShape(type: ts.Type): boolean {
  return type.isIntersection() || (type.flags & ts.TypeFlags.Object) !== 0
}

function textOf(type: ts.Type, checker: ts.TypeChecker, names: Names): string {
  const name = names.get(type)
  if (name !== undefined) return name
  if (type.isUnion()) return textOfUnion(type.types, checker, names)
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference)
    return `Array<${textOf(element as ts.Type, checker, names)}>`
  }
  if (isShape(type)) return textOfShape(type, checker, names)
  return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
}

function textOfUnion(parts: readonly ts.Type[], checker: ts.TypeChecker, names: Names): string {
  const isBoolean = (part: ts.Type) => (part.flags & ts.TypeFlags.BooleanLiteral) !== 0
  const hasBoth = parts.filter(isBoolean).length === 2
  const texts = parts.filter((part) => !hasBoth || !isBoolean(part)).map((part) => textOf(part, checker, names))
  return [...(hasBoth ? ['boolean'] : []), ...texts].join(' | ')
}

function textOfShape(type: ts.Type, checker: ts.TypeChecker, names: Names): string {
  const indexes = checker.getIndexInfosOfType(type).map(({ keyType, type: value }) => {
    return `[key: ${checker.typeToString(keyType)}]: ${textOf(value, checker, names)}`
  })
  const properties = checker.getPropertiesOfType(type).sort((one, other) => rank(one) - rank(other))
  const lines = properties.map((property) => {
    const isOptional = rank(property) === 1
    const value = checker.getTypeOfSymbol(property)
    const parts = (value.isUnion() ? value.types : [value]).filter((part) => !isOptional || !isUndefined(part))
    const comment = ts.displayPartsToString(property.getDocumentationComment(checker))
    const key = /^[A-Za-z_]\w*$/.test(property.name) ? property.name : JSON.stringify(property.name)
    return `${commented(comment)}${key}${isOptional ? '?' : ''}: ${textOfUnion(parts, checker, names)}`
  })
  return `{\n${[...indexes, ...lines].map((line) => `${line}\n`).join('')}}`
}

/** What is always there comes first. */
function rank(property: ts.Symbol): 0 | 1 {
  return (property.flags & ts.SymbolFlags.Optional) === 0 ? 0 : 1
}

function isUndefined(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Undefined) !== 0
}

function commented(comment: string): string {
  return comment === '' ? '' : `/** ${comment} */\n`
}
