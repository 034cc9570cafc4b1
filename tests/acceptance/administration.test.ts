import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type World } from '../support/world.ts';

interface Line {
  readonly sequence: number;
  readonly level: string;
  readonly operation: string | null;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const logs = async (query = '') =>
  server.get<{ items: Line[]; total: number }>(`/api/v1/admin/logs${query}`, world.adminToken);

it('the figures say what there is, what happened, and how the server is', async () => {
  const before = await server.get<Record<string, Record<string, number>>>(
    '/api/v1/admin/stats',
    world.adminToken,
  );
  const carol = await createHousehold(server, world.adminToken);
  const socket = await BifrostSocket.open(server, carol.device);
  socket.send({ type: FrameType.EVENT });
  socket.send({ type: FrameType.PING });
  await socket.next(FrameType.PONG);
  const after = await server.get<Record<string, Record<string, number>>>(
    '/api/v1/admin/stats',
    world.adminToken,
  );
  const grown = (group: string, name: string) => (after[group]?.[name] ?? 0) - (before[group]?.[name] ?? 0);
  expect(Number(after.users) - Number(before.users)).toBe(1);
  expect(Number(after.tenants) - Number(before.tenants)).toBe(1);
  expect([grown('devices', 'registered'), grown('devices', 'connected')]).toEqual([1, 1]);
  expect([grown('connections', 'webSocket'), grown('messages', 'transient')]).toEqual([1, 1]);
  expect(grown('requests', 'served')).toBeGreaterThanOrEqual(4);
  expect(after.database).toMatchObject({ kind: 'server', answerMs: expect.any(Number) });
  expect(after.process?.residentBytes).toBeGreaterThan(10_000_000);
  expect(after.money).toMatchObject({ available: { value: '0', currency: 'EUR' } });
  socket.close();
});

describe('the log', () => {
  it('is read by level and operation, the newest line first, in pages', async () => {
    await server.request('GET', '/api/v1/networks', { token: 'ygu_nobody' });
    await server.request('GET', '/api/v1/devices', { token: world.alice.token });
    const refused = await logs('?level=warn&operation=networks.list');
    expect(refused.items[0]).toMatchObject({
      level: 'warn',
      operation: 'networks.list',
      facts: { code: 'unauthenticated', status: 401 },
    });
    const { items, total } = await logs('?limit=2&offset=1');
    expect(items.map(({ sequence }) => sequence)).toEqual(
      [...items.map(({ sequence }) => sequence)].sort().reverse(),
    );
    expect([items.length, total > 2]).toEqual([2, true]);
    expect((await logs('?until=2020-01-01T00:00:00Z')).items).toEqual([]);
  });

  it('has no secret, no code, and nothing that a tenant has written', async () => {
    const name = 'Surely nobody else calls it that';
    await server.post('/api/v1/networks', { name }, world.alice.token);
    await server.request('POST', '/api/v1/users/login', { body: { email: 'ann@example.org' } });
    const text = JSON.stringify(await logs('?limit=500'));
    const secrets = [
      world.adminToken,
      world.alice.token,
      world.alice.device.token,
      world.alice.device.signingKey,
    ];
    for (const secret of [...secrets, server.setupCode, name, 'ann@example.org', '127.0.0.1']) {
      expect(text).not.toContain(secret);
    }
  });

  it('is followed as it is written, goes on where a reader left, and ends for who may not read it any more', async () => {
    const { secret, token } = await server.post<{ secret: string; token: { id: string } }>(
      '/api/v1/users/me/tokens',
      { name: 'Watch' },
      world.adminToken,
    );
    const follow = async (headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.httpUrl}/api/v1/admin/logs/live?operation=networks.get`, {
        headers: { authorization: `Bearer ${secret}`, ...headers },
      });
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      let text = '';
      const until = async (wanted: RegExp): Promise<string> => {
        while (!wanted.test(text)) {
          const { value, done } = await reader.read();
          if (done) throw new Error(`ended after ${text}`);
          text += decoder.decode(value, { stream: true });
        }
        return text;
      };
      return { until, reader };
    };
    const ask = () =>
      server.request('GET', `/api/v1/networks/${world.alice.network.id}`, { token: world.alice.token });
    const first = await follow();
    await first.until(/: lines follow/);
    await ask();
    const text = await first.until(/event: line\n[\s\S]*\n\n/);
    const id = /^id: (\d+)$/m.exec(text)?.[1] ?? '';
    expect(JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')).toMatchObject({
      operation: 'networks.get',
      facts: { status: 200 },
    });
    await first.reader.cancel();
    await ask();
    const second = await follow({ 'last-event-id': id });
    expect(await second.until(/event: line/)).not.toContain(`id: ${id}\n`);
    const beganMs = performance.now();
    await server.request('DELETE', `/api/v1/users/me/tokens/${token.id}`, {
      token: world.adminToken,
      expect: 200,
    });
    await expect(second.until(/never/)).rejects.toThrow();
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  });

  it('keeps no reader when the server stops', async () => {
    const other = await startTestServer();
    const { token } = await other.post<{ token: string }>('/api/v1/setup', {
      code: other.setupCode,
      name: 'Admin',
    });
    const response = await fetch(`${other.httpUrl}/api/v1/admin/logs/live`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const beganMs = performance.now();
    const stopped = other.stop();
    await response.text();
    await stopped;
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });
});
