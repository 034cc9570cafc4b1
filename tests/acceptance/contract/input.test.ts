import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Capabilities, encodePayload, FrameType } from '../../../proto/index.ts';
import { toName } from '../../../server/kernel/name.ts';
import { BifrostSocket, codeOf } from '../../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer({ YGGDRASIL_RATE_LIMITS: 'off' });
  world = await createWorld(server);
});
afterAll(() => server.stop());

/** Text as it comes from anywhere: any code unit, much of it on the border between names and what is none. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 110 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc
    .array(
      fc.constantFrom(
        'a',
        'e\u0301',
        '\u0301',
        ' ',
        '\n',
        '\0',
        '\u200b',
        '\u202e',
        '\ud83d',
        '💡',
        '\ufffd',
      ),
    )
    .map((parts) => parts.join('')),
);
/** Requests of a run: each is a round trip with a transaction. */
const numRuns = 60;

describe('a name', () => {
  const routes = {
    'a user': () => ({ path: '/api/v1/users', body: {}, token: world.adminToken }),
    'a network': () => ({ path: '/api/v1/networks', body: {}, token: world.bob.token }),
    'a device': () => ({
      path: '/api/v1/devices',
      body: { networkId: world.bob.network.id, worldType: 'midgard' },
      token: world.bob.token,
    }),
    'the first operator': () => ({ path: '/api/v1/setup', body: { code: 'wrong' }, token: undefined }),
  };

  it.each(Object.entries(routes))(
    'of %s is stored as it was meant, or refused with the reason',
    async (_, route) => {
      await fc.assert(
        fc.asyncProperty(anyText, async (name) => {
          const { path, body, token } = route();
          const answer = await server.request('POST', path, { body: { ...body, name }, token });
          const outcome = toName(name);
          if (outcome.ok) {
            expect([201, 403, 409]).toContain(answer.status);
            const made = (answer.body.user ?? answer.body.device ?? answer.body) as { name?: string };
            if (answer.status === 201) expect(made.name).toBe(outcome.name);
          } else {
            expect(answer.status).toBe(400);
            expect(answer.body).toMatchObject({
              error: {
                code: 'invalid_input',
                details: { problems: [{ path: 'body.name', code: outcome.problem }] },
              },
            });
          }
        }),
        { numRuns },
      );
    },
  );

  it('in two forms that look alike is one name', async () => {
    const create = (name: string) =>
      server.request('POST', '/api/v1/networks', { body: { name }, token: world.alice.token });
    expect(await create('caf\u00e9')).toMatchObject({ status: 201 });
    expect(await create('cafe\u0301')).toMatchObject({ status: 409 });
  });

  it('among the capabilities of a device that is none is refused, and the device lives on', async () => {
    const credentials = await createDevice(server, world.alice.token, world.alice.network.id, 'Announcer');
    const connection = await BifrostSocket.open(server, credentials);
    const announce = (sensor: string) =>
      connection.send({ type: FrameType.CAPABILITIES }, encodePayload(Capabilities, { sensors: [sensor] }));
    for (const sensor of ['x\ufffd', 'a\u0000', '\u200b', 'e\u0301']) {
      announce(sensor);
      expect(codeOf(await connection.next(FrameType.ERROR))).toBe('invalid_input');
    }
    announce('temperature');
    connection.send({ type: FrameType.PING });
    await connection.next(FrameType.PONG);
    await expect
      .poll(async () => {
        const device = await server.get<{ capabilities: { sensors: string[] } | null }>(
          `/api/v1/devices/${credentials.deviceId}`,
          world.alice.token,
        );
        return device.capabilities?.sensors;
      })
      .toEqual(['temperature']);
    connection.close();
  });
});

describe('a list', () => {
  const lists = [
    '/api/v1/users',
    '/api/v1/networks',
    '/api/v1/devices',
    '/api/v1/ledger/entries',
    '/api/v1/marketplace/transactions',
  ];
  const tokenFor = (path: string) => (path === '/api/v1/users' ? world.adminToken : world.alice.token);
  const id = fc.uuid();
  const digits = fc.stringMatching(/^[0-9]{1,19}$/);
  const cursor = fc.oneof(
    anyText,
    fc
      .array(fc.oneof(id, digits, fc.string(), fc.integer()), { maxLength: 3 })
      .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url')),
  );

  it.each(lists)('%s takes a cursor as one of its own, or refuses it as invalid_input', async (path) => {
    await fc.assert(
      fc.asyncProperty(cursor, fc.oneof(fc.integer(), fc.string({ maxLength: 5 })), async (after, limit) => {
        const query = new URLSearchParams({ after, limit: String(limit) });
        const answer = await server.request('GET', `${path}?${query}`, { token: tokenFor(path) });
        if (answer.status !== 200) {
          expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
        }
      }),
      { numRuns },
    );
  });

  it.each(['/api/v1/users', '/api/v1/networks', '/api/v1/devices'])(
    '%s gives every item once, page by page',
    async (path) => {
      type Page = { items: { id: string }[]; next: string | null };
      const token = tokenFor(path);
      const whole = await server.get<Page>(`${path}?limit=200`, token);
      const found: string[] = [];
      let after: string | null = null;
      do {
        const page: Page = await server.get<Page>(
          `${path}?limit=2${after === null ? '' : `&after=${after}`}`,
          token,
        );
        found.push(...page.items.map((item) => item.id));
        after = page.next;
      } while (after !== null);
      expect(found.length).toBeGreaterThan(0);
      expect(found).toEqual(whole.items.map((item) => item.id).slice(0, found.length));
      expect(found.length).toBeGreaterThanOrEqual(whole.items.length);
    },
  );
});
