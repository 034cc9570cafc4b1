/** The structural rules of the OpenAPI 3.1 specification that a description must follow, checked without a library. */

type Node = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const SCHEMA_TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];
/** Keywords of JSON Schema 2020-12, and what zod adds beside them. */
const SUBSCHEMA = ['additionalProperties', 'items', 'propertyNames', 'not', 'contains'];
const SUBSCHEMAS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const entries = (value: unknown): [string, unknown][] => (isNode(value) ? Object.entries(value) : []);

/** Every breach, with where it is; empty for a sound document. */
export function problemsOfOpenApi(document: unknown): string[] {
  const problems: string[] = [];
  const demand = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  if (!isNode(document)) return ['not an object'];
  demand(/^3\.1\.\d+$/.test(String(document.openapi)), 'openapi: not a version 3.1');
  demand(isNode(document.info) && typeof document.info.title === 'string', 'info.title is required');
  demand(isNode(document.info) && typeof document.info.version === 'string', 'info.version is required');
  const operationIds = new Set<unknown>();

  const checkSchema = (schema: unknown, at: string) => {
    if (typeof schema === 'boolean') return;
    demand(isNode(schema), `${at}: a schema is an object or a boolean`);
    if (!isNode(schema)) return;
    for (const type of [schema.type ?? []].flat()) {
      demand(SCHEMA_TYPES.includes(String(type)), `${at}: unknown type ${type}`);
    }
    demand(!('nullable' in schema), `${at}: nullable is not of 3.1`);
    demand(!('$defs' in schema), `${at}: definitions belong to the components`);
    demand(!('required' in schema) || Array.isArray(schema.required), `${at}: required is a list`);
    if ('$ref' in schema) demand(resolves(document, schema.$ref), `${at}: ${schema.$ref} leads nowhere`);
    for (const [name, property] of entries(schema.properties)) checkSchema(property, `${at}.${name}`);
    for (const key of SUBSCHEMA) if (key in schema) checkSchema(schema[key], `${at}.${key}`);
    for (const key of SUBSCHEMAS) {
      if (!(key in schema)) continue;
      demand(Array.isArray(schema[key]), `${at}.${key}: a list`);
      for (const part of (schema[key] as unknown[]) ?? []) checkSchema(part, `${at}.${key}`);
    }
  };
  const checkContent = (content: unknown, at: string) => {
    for (const [mediaType, media] of entries(content)) {
      demand(/^[\w*.+-]+\/[\w*.+-]+$/.test(mediaType), `${at}: ${mediaType} is no media type`);
      if (isNode(media)) checkSchema(media.schema, `${at}.${mediaType}`);
    }
  };

  demand(isNode(document.paths), 'paths: an object');
  for (const [path, item] of entries(document.paths)) {
    demand(path.startsWith('/'), `${path}: begins with a slash`);
    demand(!path.includes(':'), `${path}: parameters are written {name}`);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const [method, operation] of entries(item)) {
      const at = `${method} ${path}`;
      demand(METHODS.includes(method), `${at}: unknown method`);
      if (!isNode(operation)) continue;
      demand(!operationIds.has(operation.operationId), `${at}: operationId is not unique`);
      operationIds.add(operation.operationId);
      const parameters = (operation.parameters ?? []) as Node[];
      const declared = parameters
        .filter((parameter) => parameter.in === 'path')
        .map((parameter) => parameter.name);
      demand(
        JSON.stringify(declared) === JSON.stringify(inPath),
        `${at}: path parameters are not those of the path`,
      );
      for (const parameter of parameters) {
        demand(
          ['path', 'query', 'header', 'cookie'].includes(String(parameter.in)),
          `${at}: in of a parameter`,
        );
        demand(parameter.in !== 'path' || parameter.required === true, `${at}: a path parameter is required`);
        demand(typeof parameter.name === 'string', `${at}: a parameter has a name`);
        checkSchema(parameter.schema, `${at}.${parameter.name}`);
      }
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      demand(new Set(names).size === names.length, `${at}: a parameter twice`);
      if (isNode(operation.requestBody)) {
        demand(isNode(operation.requestBody.content), `${at}: a request body has content`);
        checkContent(operation.requestBody.content, `${at}.requestBody`);
      }
      const responses = entries(operation.responses);
      demand(responses.length > 0, `${at}: at least one response`);
      for (const [status, response] of responses) {
        demand(/^([1-5]\d\d|[1-5]XX|default)$/.test(status), `${at}: ${status} is no status`);
        demand(
          isNode(response) && typeof response.description === 'string',
          `${at}.${status}: a description`,
        );
        if (isNode(response)) checkContent(response.content, `${at}.${status}`);
      }
      for (const requirement of (operation.security ?? []) as Node[]) {
        for (const scheme of Object.keys(requirement)) {
          demand(
            resolves(document, `#/components/securitySchemes/${scheme}`),
            `${at}: unknown scheme ${scheme}`,
          );
        }
      }
    }
  }
  const components = isNode(document.components) ? document.components : {};
  for (const [kind, named] of entries(components)) {
    for (const [name, component] of entries(named)) {
      demand(
        /^[a-zA-Z0-9._-]+$/.test(name),
        `components.${kind}.${name}: a name of letters, digits and . _ -`,
      );
      if (kind === 'schemas') checkSchema(component, `components.schemas.${name}`);
    }
  }
  return problems;
}

/** True when a JSON pointer within the document leads to something. */
function resolves(document: Node, reference: unknown): boolean {
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return false;
  let at: unknown = document;
  for (const part of reference.slice(2).split('/')) at = isNode(at) ? at[part] : undefined;
  return at !== undefined;
}
