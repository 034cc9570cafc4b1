import { createConfig, lintFromString } from '@redocly/openapi-core';

const config = createConfig({
  rules: {
    struct: 'error',
    'no-unresolved-refs': 'error',
    'no-duplicated-tag-names': 'error',
    'no-identical-paths': 'error',
    'no-path-trailing-slash': 'error',
    'operation-operationId-unique': 'error',
    'operation-parameters-unique': 'error',
    'operation-summary': 'error',
    'path-declaration-must-exist': 'error',
    'path-parameters-defined': 'error',
    'security-defined': 'error',
    'spec-components-invalid-map-name': 'error',
  },
});

/** Every breach of the OpenAPI 3.1 specification, with where it is; empty for a sound document. */
export async function problemsOfOpenApi(document: unknown): Promise<string[]> {
  const problems = await lintFromString({ source: JSON.stringify(document), config: await config });
  return problems.map(({ message, location }) => `${location[0]?.pointer}: ${message}`);
}
