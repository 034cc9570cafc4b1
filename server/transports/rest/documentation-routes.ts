import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import { COSTS, type Operation } from '../../kernel/operation.ts';
import type { HttpDescription, HttpOperation } from '../pipeline/http-operation.ts';
import { defineRawRoute } from './define-route.ts';
import { type ApiInfo, buildOpenApiDocument } from './openapi.ts';

/** Only what this server sends may run or be loaded; images may also be written into the style sheet. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Yggdrasil API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** The groups are closed: all operations at once take seconds to draw. `validatorUrl`: by default the page would show a badge from another site. */
const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#page',
  deepLinking: true,
  docExpansion: 'none',
  displayOperationId: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
});
`;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

/**
 * Routes that describe `described` and themselves, and list the `others`, which HTTP doesn't reach: `/openapi.json`, and `/docs`, which needs no
 * other server.
 */
export function createDocumentationRoutes(
  described: readonly HttpDescription[],
  others: readonly Operation[],
  info: ApiInfo,
): HttpOperation[] {
  const assets = readAssets();
  let text = '';
  const openapi: HttpOperation = defineRawRoute({
    operation: 'documentation.openapi',
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'This description, in OpenAPI 3.1.',
    response: 'application/json',
    status: 200,
    errors: [],
    quiet: true,
    handle: async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: text }),
  });
  const page = defineRawRoute({
    operation: 'documentation.page',
    method: 'GET',
    path: '/docs',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'This description as a page to read and try.',
    response: 'text/html',
    status: 200,
    errors: [],
    quiet: true,
    handle: async () => ({ status: 200, headers: headersOf('text/html; charset=utf-8'), body: PAGE }),
  });
  const asset = defineRawRoute({
    operation: 'documentation.asset',
    method: 'GET',
    path: '/docs/:asset',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A part of the page.',
    response: '*/*',
    status: 200,
    errors: ['not_found'],
    quiet: true,
    handle: async ({ request }) => {
      const found = assets.get(request.params.asset ?? '');
      if (!found) throw new AppError('not_found', 'not_found', 'There is nothing at this path.');
      return { status: 200, headers: headersOf(found.mediaType), body: found.bytes };
    },
  });
  const routes = [openapi, page, asset];
  text = JSON.stringify(buildOpenApiDocument([...described, ...routes], info, others));
  return routes;
}

function headersOf(mediaType: string): Readonly<Record<string, string>> {
  return {
    'content-type': mediaType,
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
  };
}

/** The page's parts, held in memory: 1.6 MB. Throws when the package that brings them is not installed. */
function readAssets(): ReadonlyMap<string, { mediaType: string; bytes: Uint8Array }> {
  const folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const assets = new Map<string, { mediaType: string; bytes: Uint8Array }>();
  for (const [name, mediaType] of Object.entries(MEDIA_TYPES)) {
    assets.set(name, { mediaType, bytes: readFileSync(path.join(folder, name)) });
  }
  assets.set('start.js', { mediaType: 'text/javascript', bytes: Buffer.from(START) });
  return assets;
}
