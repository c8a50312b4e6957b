import { answersOf, sharedAnswers } from './openapi-answers.ts'
import { asJson, componentSchemas, partsOf } from './openapi-schemas.ts'
import { tagOf, type Caller, type Operation, type OperationTable } from './operation.ts'

const API = '/api/v1'

/**
 * The OpenAPI 3.1 document of these areas: every operation under every spelling, with its parameters, its answer, and
 * each refusal as it stands on the wire. The schemas are the contract's own values, so the document cannot say anything
 * else than the server checks. The same areas give the same document, key for key.
 */
export function openApiDocument(areas: Readonly<Record<string, OperationTable>>, { version }: { version: string }) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Deskbell',
      version,
      description:
        'The HTTP API of a Deskbell server. Requests and answers are JSON in UTF-8. JSON is read from `text/plain` bodies ' +
        'too, and forms as `application/x-www-form-urlencoded`. Keys that an operation does not name are ignored. ' +
        'Times are ISO 8601 in UTC with milliseconds.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(Object.values(areas).map(tagOf))].map((name) => ({ name })),
    paths: pathsOf(areas),
    components: {
      schemas: componentSchemas(),
      ...sharedAnswers,
      securitySchemes: {
        userId: { type: 'apiKey', in: 'header', name: 'X-User-Id', description: 'The `userId` that `login` answered' },
        authToken: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'The `authToken` that `login` answered',
        },
        visitorToken: {
          type: 'apiKey',
          in: 'header',
          name: 'x-visitor-token',
          description:
            'The visitor’s token, instead of the parameter `token` of the query or the body: headers do not end up in the logs of proxies.',
        },
      },
    },
  }
}

/** The name of an operation for generated code: `GET /livechat/visitor/:token` is `getLivechatVisitorByToken`. */
export function operationIdOf(key: string): string {
  const { method, path } = splitKey(key)
  const words = path.replaceAll(/:_?/g, 'by-').match(/[A-Za-z0-9]+/g) ?? []
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** Where a spelling stands in the document. */
export function placeOf(key: string): { path: string; method: string } {
  const { method, path } = splitKey(key)
  return { method, path: API + path.replaceAll(/:(\w+)/g, '{$1}') }
}

function pathsOf(areas: Readonly<Record<string, OperationTable>>): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const area of Object.values(areas)) {
    for (const [key, operation] of Object.entries(area)) {
      for (const spelling of [key, ...(operation.aliases ?? [])]) {
        const { path, method } = placeOf(spelling)
        const described = describeOperation(spelling, operation, tagOf(area))
        paths[path] = { ...paths[path], [method]: spelling === key ? described : { ...described, ...aliasOf(key) } }
      }
    }
  }
  return paths
}

function aliasOf(key: string): object {
  return {
    deprecated: true,
    'x-alias-of': key,
    description: `Another spelling of \`${key}\`: the same in every other way.`,
  }
}

function describeOperation(key: string, operation: Operation, tag: string): object {
  const description = [operation.description, permissionText(operation.caller)].filter(Boolean).join('\n\n')
  const parameters = [...parametersIn('path', operation.params), ...parametersIn('query', operation.query)]
  return {
    operationId: operationIdOf(key),
    tags: [tag],
    summary: operation.summary,
    ...(description !== '' && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body !== undefined && !key.startsWith('GET ') && { requestBody: bodyOf(operation.body) }),
    ...(operation.upload !== undefined && { requestBody: formOf(operation.upload.fields) }),
    responses: answersOf(operation),
    security: securityOf(operation),
    'x-rate-limit-class': operation.limit,
  }
}

function permissionText(caller: Caller): string | undefined {
  if (typeof caller === 'string') return undefined
  const quoted = (permissions: readonly string[]) => permissions.map((permission) => `\`${permission}\``)
  if ('permission' in caller) return `Needs the permission \`${caller.permission}\`.`
  return 'anyOf' in caller
    ? `Needs one of the permissions ${quoted(caller.anyOf).join(', ')}.`
    : `Needs the permissions ${quoted(caller.allOf).join(' and ')}.`
}

function parametersIn(place: 'path' | 'query', schema: object | undefined): object[] {
  const { properties, required } = partsOf(schema)
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }))
}

function bodyOf(schema: object): object {
  const { required } = partsOf(schema)
  return { required: required.length > 0, content: { 'application/json': { schema: asJson(schema) } } }
}

/** A form: the texts, and the file that they go with. */
function formOf(fields: object): object {
  const { properties, required } = partsOf(fields)
  const schema = {
    type: 'object',
    required: ['file', ...required],
    properties: { file: { type: 'string', format: 'binary' }, ...properties },
  }
  return { required: true, content: { 'multipart/form-data': { schema } } }
}

/** Anyone may call without credentials; the visitor's header counts where the request carries no token of its own. */
function securityOf(operation: Operation): object[] {
  if (operation.caller !== 'anyone') return [{ userId: [], authToken: [] }]
  return operation.limit === 'login' || carriesToken(operation) ? [] : [{}, { visitorToken: [] }]
}

function carriesToken({ params, query, body, wrapper }: Operation): boolean {
  const wrapped = wrapper === undefined ? undefined : partsOf(body).properties[wrapper]
  return [params, query, body, wrapped].some((part) => partsOf(part).required.includes('token'))
}

function splitKey(key: string): { method: string; path: string } {
  const [method = '', path = ''] = key.split(' ')
  return { method: method.toLowerCase(), path }
}
