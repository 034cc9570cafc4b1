import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FrameType } from '../../proto/index.ts';
import { createCatalogue } from '../../server/app/operations.ts';
import { renderRolesPage } from '../../server/app/roles-page.ts';
import { renderConfigTable } from '../../server/config/index.ts';
import type { Operation } from '../../server/kernel/operation.ts';
import { FRAME_HANDLERS } from '../../server/transports/frames/frame-handlers.ts';
import { FRAME_OPERATIONS } from '../../server/transports/frames/operations.ts';
import { OPERATION_RATES } from '../../server/transports/pipeline/rates.ts';
import { idSchema } from '../../server/transports/rest/schemas.ts';
import { ANTHROPIC_CASES } from '../acceptance/contract/anthropic-cases.ts';
import { CONNECTION_CASES } from '../acceptance/contract/connection-cases.ts';
import { FRAME_CASES } from '../acceptance/contract/frame-cases.ts';
import { OPENAI_CASES } from '../acceptance/contract/openai-cases.ts';
import { REST_CASES } from '../acceptance/contract/rest-cases.ts';

/** Operations only name their services when they are made. */
const catalogue = createCatalogue({} as never);

/** Files of ours in a folder, with their text. */
const sourcesOf = (folder: string): [path: string, text: string][] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [`${folder}/${name}`, readFileSync(`${folder}/${name}`, 'utf8')]);

const http = [...catalogue.rest, ...catalogue.openai, ...catalogue.anthropic];
const operationsOf = (list: readonly Operation[]) => list.map(({ operation }) => operation).sort();

describe('every operation', () => {
  it('of REST, the documentation and the routes for operators has an authorization test and an error test', () => {
    expect(Object.keys(REST_CASES).sort()).toEqual(operationsOf(catalogue.rest));
  });

  it('of the OpenAI endpoint has an authorization test and an error test', () => {
    expect(Object.keys(OPENAI_CASES).sort()).toEqual(operationsOf(catalogue.openai));
  });

  it('of the Anthropic endpoint has an authorization test and an error test', () => {
    expect(Object.keys(ANTHROPIC_CASES).sort()).toEqual(operationsOf(catalogue.anthropic));
  });

  it('of devices, on WebSocket and MQTT, has an authorization test and an error test', () => {
    const types = [...FRAME_CASES.keys()].map((type) => FRAME_OPERATIONS.get(type)?.operation ?? '');
    expect([...types, ...Object.keys(CONNECTION_CASES)].sort()).toEqual(operationsOf(catalogue.devices));
  });

  it('has a name of its own', () => {
    const names = operationsOf([...http, ...catalogue.devices]);
    expect(names).toEqual([...new Set(names)]);
  });

  it('that is limited by name is one', () => {
    const names = operationsOf(http);
    expect(Object.keys(OPERATION_RATES).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('needs a permission, but for these', () => {
    const all: readonly Operation[] = [...http, ...catalogue.devices];
    expect(operationsOf(all.filter(({ access }) => access === 'public'))).toEqual([
      'claims.collect',
      'claims.create',
      'devices.provision',
      'documentation.asset',
      'documentation.openapi',
      'documentation.page',
      'mqtt.clients.authenticate',
      'mqtt.clients.authorize',
      'oauth.deviceAuthorization',
      'oauth.keys',
      'oauth.page',
      'oauth.token',
      'page.asset',
      'page.open',
      'server.describe',
      'server.live',
      'server.ready',
      'users.login',
      'users.oidc.begin',
      'users.oidc.finish',
      'users.oidc.finishPosted',
      'users.oidc.list',
      'users.passkeys.beginSignIn',
      'users.recover',
      'users.register',
      'users.sessions.create',
      'users.sessions.passkey',
      'users.setUp',
    ]);
  });

  it('that changes something or moves money is audited', () => {
    // Counting is no change: the prompt is its body. Locks come and go by thousands, and change nothing but themselves. What a
    // broker asks are questions.
    const changing = http.filter(
      ({ method, operation }) =>
        method !== 'GET' &&
        operation !== 'anthropic.messages.countTokens' &&
        !operation.startsWith('locks.') &&
        !operation.startsWith('mqtt.clients.'),
    );
    expect(operationsOf(changing.filter(({ audit }) => audit !== 'change' && audit !== 'money'))).toEqual([]);
  });

  it('reaches its service through the pipeline: no transport imports another way in', () => {
    const transports = sourcesOf('server/transports').filter(([path]) => !path.includes('/pipeline/'));
    const ways = transports.filter(([, text]) => /\bidentify\(|\brequirePermission\(/.test(text));
    expect(ways.map(([path]) => path)).toEqual([]);
  });
});

/** True when some id in this part of a request is taken in the case it came in: one that is not an `idSchema`. */
function takesIdsAsTheyCome(part: z.ZodType): boolean {
  const ids = new Set<z.core.$ZodType>();
  const parents = new Set<z.core.$ZodType | undefined>();
  z.toJSONSchema(part, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // A schema with one more check is described after its parent, which nobody parses with.
      parents.add(zodSchema._zod.parent);
      if (jsonSchema.format === 'uuid') ids.add(zodSchema);
    },
  });
  const id = 'ABCDEF00-0000-4000-8000-000000000001';
  return [...ids].some((schema) => !parents.has(schema) && z.parse(schema, id) !== id.toLowerCase());
}

describe('every id in a request', () => {
  it.each(catalogue.rest)('to $operation is taken in lower case', ({ params, query, body }) => {
    const parts = { params, query, body };
    expect(Object.entries(parts).filter(([, part]) => part !== null && takesIdsAsTheyCome(part))).toEqual([]);
  });

  it('that is taken as it comes is noticed', () => {
    expect(takesIdsAsTheyCome(z.strictObject({ after: z.uuid().optional() }))).toBe(true);
    expect(takesIdsAsTheyCome(z.strictObject({ after: idSchema.optional() }))).toBe(false);
  });
});

describe('every frame', () => {
  it('of the schema is an operation of a device, sent by the server, or said on a direct path', () => {
    const answers = ['WELCOME', 'PONG', 'CONNECTION_STATE', 'ROUTES', 'DIRECT_STATE', 'SHADOW'];
    const byServer = [...answers, 'SHADOW_DIFFERENCE', 'DROPPED', 'UPDATE_OFFER', 'UPDATE_PART'];
    const byDevice = [...FRAME_OPERATIONS.keys()].map((type) => FrameType[type]);
    const all = Object.keys(FrameType).filter(
      (name) => Number.isNaN(Number(name)) && !name.endsWith('UNSPECIFIED'),
    );
    expect([...byServer, ...byDevice, 'DIRECT_BEAT'].sort()).toEqual(all.sort());
  });

  it('that is an operation has a handler', () => {
    expect([...FRAME_HANDLERS.keys()].sort()).toEqual([...FRAME_OPERATIONS.keys()].sort());
  });
});

describe('README.md', () => {
  it('has the configuration table of the schema', () => {
    const readme = readFileSync('README.md', 'utf8');
    const table = /<!-- config:begin -->\n([\s\S]*?)\n<!-- config:end -->/.exec(readme)?.[1];
    expect(table?.trim()).toBe(renderConfigTable());
  });
});

describe('docs/roles.md', () => {
  it('says who may do what as the rules decide it (`npm run record:roles`)', () => {
    expect(readFileSync('docs/roles.md', 'utf8')).toBe(renderRolesPage(catalogue));
  });
});
