import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FrameType } from '../../proto/index.ts';
import { renderConfigTable } from '../../server/config/index.ts';
import { migrations } from '../../server/platform/database/migrations/index.ts';
import { WEBSOCKET_FRAME_TYPES } from '../../server/transports/bifrost/connection.ts';
import { FRAME_HANDLERS } from '../../server/transports/frames/frame-handlers.ts';
import { OPENAI_DESCRIPTIONS } from '../../server/transports/openai/descriptions.ts';
import { createOpenAiTransport } from '../../server/transports/openai/transport.ts';
import { createRestRoutes } from '../../server/transports/rest/routes.ts';
import { idSchema } from '../../server/transports/rest/schemas.ts';
import { FRAME_CASES } from '../acceptance/contract/frame-cases.ts';
import { OPENAI_CASES } from '../acceptance/contract/openai-cases.ts';
import { REST_CASES } from '../acceptance/contract/rest-cases.ts';

/** Routes only name their services when they are made. */
const noServices = {} as never;

describe('every route', () => {
  it('of REST has an authorization test and an error test', () => {
    const operations = createRestRoutes(noServices).map(({ operation }) => operation);
    expect(Object.keys(REST_CASES).sort()).toEqual(operations.sort());
  });

  it('of the OpenAI endpoint has an authorization test and an error test', () => {
    const operations = createOpenAiTransport(noServices).map(({ operation }) => operation);
    expect(Object.keys(OPENAI_CASES).sort()).toEqual(operations.sort());
  });

  it('of the OpenAI endpoint is described', () => {
    const served = createOpenAiTransport(noServices).map(({ operation, method }) => `${method} ${operation}`);
    const described = OPENAI_DESCRIPTIONS.map(({ operation, method }) => `${method} ${operation}`);
    expect(described.sort()).toEqual(served.sort());
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
  it.each(createRestRoutes(noServices))('to $operation is taken in lower case', ({ params, query, body }) => {
    const parts = { params, query, body };
    expect(Object.entries(parts).filter(([, part]) => part !== null && takesIdsAsTheyCome(part))).toEqual([]);
  });

  it('that is taken as it comes is noticed', () => {
    expect(takesIdsAsTheyCome(z.strictObject({ after: z.uuid().optional() }))).toBe(true);
    expect(takesIdsAsTheyCome(z.strictObject({ after: idSchema.optional() }))).toBe(false);
  });
});

describe('every frame', () => {
  it('that a device may send has an authorization test and an error test', () => {
    const types = [...WEBSOCKET_FRAME_TYPES, ...FRAME_HANDLERS.keys()].map((type) => FrameType[type]);
    expect([...FRAME_CASES.keys()].map((type) => FrameType[type]).sort()).toEqual(types.sort());
  });

  it('of the schema is sent by a device, or by the server', () => {
    const byServer = ['WELCOME', 'PONG', 'COMPUTE_REQUEST', 'COMPUTE_CANCEL'];
    const byDevice = [...WEBSOCKET_FRAME_TYPES, ...FRAME_HANDLERS.keys()].map((type) => FrameType[type]);
    const all = Object.keys(FrameType).filter(
      (name) => Number.isNaN(Number(name)) && !name.endsWith('UNSPECIFIED'),
    );
    expect([...byServer, ...byDevice].sort()).toEqual(all.sort());
  });
});

describe('every table', () => {
  const schema = migrations.map(({ up }) => up).join('\n');
  const tables = [...schema.matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => table ?? '');

  it.each(tables)('%s has row-level security, forced on its owner too, and a policy', (table) => {
    expect(schema).toMatch(new RegExp(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`));
    expect(schema).toMatch(new RegExp(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`));
    expect(schema).toMatch(new RegExp(`CREATE POLICY \\w+ ON ${table} `));
  });

  it.each(migrations.map(({ name, up, down }) => ({ name, up, down })))(
    'made by $name is dropped by its way back',
    ({ up, down }) => {
      for (const [, table] of up.matchAll(/CREATE TABLE (\w+)/g)) {
        expect(down).toMatch(new RegExp(`DROP TABLE (IF EXISTS )?[\\w, ]*\\b${table}\\b`));
      }
    },
  );
});

describe('README.md', () => {
  it('has the configuration table of the schema', () => {
    const readme = readFileSync('README.md', 'utf8');
    const table = /<!-- config:begin -->\n([\s\S]*?)\n<!-- config:end -->/.exec(readme)?.[1];
    expect(table?.trim()).toBe(renderConfigTable());
  });
});
