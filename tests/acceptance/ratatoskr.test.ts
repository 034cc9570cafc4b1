import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type RatatoskrClient, readText } from '../../device/client/index.ts';
import { BusinessRequest, encodePayload, RatatoskrType } from '../../proto/index.ts';
import { CLEAR_FEATURE, TIMES_FEATURE, TYPES_FEATURE } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { OPENING_PER_ADDRESS_MAX } from '../../server/transports/ratatoskr/limits.ts';
import { openClient, openRawSession, sessionUrl } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import { createDevice, createHousehold, createWorld, type World } from '../support/world.ts';

interface Description {
  readonly ratatoskr: { readonly port: number | null; readonly publicKeys: string[] };
}

let server: TestServer;
let world: World;
let serverKey: string;
const clients: RatatoskrClient[] = [];

beforeAll(async () => {
  server = await startTestServer({ YGGDRASIL_RATATOSKR_ENCRYPTION: 'declinable' });
  world = await createWorld(server);
  const { ratatoskr } = await server.get<Description>('/api/v1/server');
  serverKey = ratatoskr.publicKeys[0] ?? '';
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

const open = (...[options]: [Parameters<typeof openClient>[1]]) => {
  const client = openClient(server, options);
  clients.push(client);
  return client;
};
const asAlice = () => open({ credentials: { token: world.alice.token }, serverKey });

/** The code that the server closes a WebSocket with, after it got these messages. */
async function closedAfter(messages: readonly (Uint8Array | string)[]): Promise<string> {
  const socket = new WebSocket(sessionUrl(server), ['ratatoskr.v1']);
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      for (const message of messages) socket.send(message);
    });
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
    socket.on('error', reject);
  });
}

describe('an operation over Ratatoskr', () => {
  it('answers what REST answers, with the same schema, and is in the audit', async () => {
    const client = asAlice();
    const made = await client.request('networks.create', { body: { name: 'Shed' } });
    expect(made).toMatchObject({ name: 'Shed' });
    const { id } = made as { id: string };
    expect(await client.request('networks.get', { params: { networkId: id } })).toEqual(
      await server.get(`/api/v1/networks/${id}`, world.alice.token),
    );
    for (const [operation, path] of [
      ['devices.list', '/api/v1/devices'],
      ['marketplace.providers.list', '/api/v1/marketplace/providers'],
      ['ledger.balance.get', '/api/v1/ledger/balance'],
    ] as const) {
      expect(await client.request(operation)).toEqual(await server.get(path, world.alice.token));
    }
    const audited = server.logs.filter(
      ({ message, fields }) => message === 'audit' && fields.operation === 'networks.create',
    );
    expect(audited.at(-1)?.fields).toMatchObject({ audit: 'change', outcome: 'done' });
  });

  it('is refused as REST refuses it', async () => {
    const client = asAlice();
    await expect(client.request('networks.create', { body: { nam: 'x' } })).rejects.toMatchObject({
      code: 'invalid_input',
      status: 400,
    });
    await expect(client.request('server.metrics')).rejects.toMatchObject({ code: 'forbidden', status: 403 });
    await expect(client.request('networks.paint')).rejects.toMatchObject({
      code: 'operation_not_found',
      status: 404,
    });
    await expect(
      client.request('networks.list', {}, { tenantId: '00000000-0000-4000-8000-00000000dead' }),
    ).rejects.toMatchObject({ code: 'tenant_not_found', status: 404 });
    await expect(
      client.request('networks.list', { headers: { authorization: 'Bearer x' } }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(
      client.request('networks.create', { body: { name: 'x'.repeat(1_200_000) } }),
    ).rejects.toMatchObject({ code: 'too_large', status: 413 });
  });

  it('that is refused before its operation, and a message that breaks the session, are in the audit', async () => {
    const { token } = await createHousehold(server, world.adminToken);
    const session = await openRawSession(server, token, undefined, TYPES_FEATURE | TIMES_FEATURE);
    const ask = (operation: string, sentAtMs: number) =>
      session.send(RatatoskrType.BUSINESS_REQUEST, encodePayload(BusinessRequest, { operation, sentAtMs }));
    ask('ledger.balance.get', Date.now());
    ask('networks.list', 1);
    ask('networks.paint', Date.now());
    session.send(RatatoskrType.STREAM_CREDIT, Uint8Array.of(0xff));
    expect(await session.closed).toBe('4400 ratatoskr_message_malformed');
    const outcomes = async () => {
      const { items } = await server.get<{ items: { operation: string; outcome: string }[] }>(
        '/api/v1/audit?limit=20',
        token,
      );
      return items.flatMap(({ operation, outcome }) =>
        operation === 'ratatoskr.sessions.control' ? [outcome] : [],
      );
    };
    await expect
      .poll(outcomes)
      .toEqual([
        'ratatoskr_message_malformed',
        'operation_not_found',
        'ratatoskr_clock_wrong',
        'ratatoskr_request_type_wrong',
      ]);
  });

  it('takes input and gives answers that are longer than a message', async () => {
    const client = asAlice();
    await expect(
      client.request('networks.create', { body: { name: 'x'.repeat(200_000) } }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    const answer = await client.open('documentation.openapi');
    const text = await readText(answer);
    expect(text.length).toBeGreaterThan(300_000);
    expect(JSON.parse(text)).toEqual(await server.get('/openapi.json'));
  });

  it('is streamed where REST streams it, until the client has enough', async () => {
    const client = asAlice();
    const { deviceId } = world.alice.device;
    const answer = await client.open('devices.readings.follow', { params: { deviceId } });
    expect([answer.status, answer.contentType]).toEqual([200, 'text/event-stream; charset=utf-8']);
    answer.body.cancel();
    await expect(readText(answer)).rejects.toMatchObject({ code: 'session_lost' });
    expect(await client.request('networks.list')).toBeDefined();
  });
});

it('the example of docs/ratatoskr.md runs as it is written there', async () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readFileSync('docs/ratatoskr.md', 'utf8')) ?? [];
  // It stands in no folder of this checkout, and its server is at another port.
  const here = example
    .replaceAll("'../../", `'${pathToFileURL(resolve('.')).href}/`)
    .replaceAll("'../", `'${pathToFileURL(resolve('device')).href}/`)
    .replaceAll("'./", `'${pathToFileURL(resolve('device/client')).href}/`)
    .replaceAll('ws://127.0.0.1:8080/ratatoskr', sessionUrl(server));
  const folder = mkdtempSync(join(tmpdir(), 'ratatoskr-example-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'example.mts'), here);
  const options = ['--import', 'tsx', join(folder, 'example.mts'), world.alice.token];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  expect(stdout).toContain(world.alice.device.deviceId);
});

describe('yggdrasil ratatoskr call', () => {
  const call = (words: readonly string[], token = world.alice.token) =>
    runCommand('ratatoskr', {
      arguments: ['call', ...words, '--server', sessionUrl(server), '--server-key', serverKey],
      environment: { YGGDRASIL_TOKEN: token },
    });

  it('prints the answer, or says why there is none with exit code 1', async () => {
    const { code, stdout } = await call(['devices.list', '--input', '{"query":{"limit":5}}']);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      await server.get('/api/v1/devices?limit=5', world.alice.token),
    ]);
    const refused = await call(['networks.get', '--input', '{"params":{"networkId":"x"}}']);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(/^ratatoskr: 400 .*invalid_input/);
  });
});

describe('a session', () => {
  it('is not encrypted where both sides decline that, and answers the same', async () => {
    const clear = open({ credentials: { token: world.alice.token }, serverKey, declinesEncryption: true });
    expect(await clear.request('networks.list')).toEqual(
      await server.get('/api/v1/networks', world.alice.token),
    );
    const { features } = await openRawSession(server, world.alice.token, undefined, CLEAR_FEATURE);
    expect(features).toBe(CLEAR_FEATURE);
    const encrypted = await openRawSession(server, world.alice.token);
    expect(encrypted.features).not.toBe(CLEAR_FEATURE);
  });

  it('is open to a device, with the key that its token came with first', async () => {
    const { alice } = world;
    const device = await createDevice(server, alice.token, alice.network.id, 'Meter');
    const client = open({ credentials: device });
    expect(await client.request('marketplace.providers.list')).toBeDefined();
    expect(Buffer.from(client.serverKey ?? []).toString('base64url')).toBe(serverKey);
    const stolen = open({ credentials: { token: device.token }, serverKey });
    await expect(stolen.ready()).rejects.toMatchObject({ code: 'device_key_wrong' });
    const rotated = await server.request('POST', `/api/v1/devices/${device.deviceId}/token`, {
      token: alice.token,
    });
    const { token } = rotated.body as { token: string };
    await expect(client.request('marketplace.providers.list')).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await open({ credentials: { token }, serverKey }).ready();
  });

  it('is resumed once, with its own key, by what the session before was given', async () => {
    const { alice } = world;
    const key = nodeNoiseCrypto.generateKeyPair();
    const first = await openRawSession(server, alice.token, key);
    const ticket = first.ticket ?? new Uint8Array(0);
    expect(ticket).toHaveLength(32);
    first.send(RatatoskrType.DISCONNECT);
    await first.closed;
    const stolen = await openRawSession(server, ticket);
    expect(await stolen.closed).toBe('4401 session_not_resumable');
    const second = await openRawSession(server, ticket, key);
    expect(second.ticket).toHaveLength(32);
    const third = await openRawSession(server, ticket, key);
    expect(await third.closed).toBe('4409 session_resumed_twice');
    const { items } = await server.get<{ items: { operation: string; outcome: string }[] }>(
      '/api/v1/audit?limit=20',
      alice.token,
    );
    expect(items).toContainEqual(
      expect.objectContaining({ operation: 'ratatoskr.sessions.open', outcome: 'session_resumed_twice' }),
    );
  });

  it('is not resumed for who lost its token meanwhile', async () => {
    const { alice } = world;
    const { token, secret } = await server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Soon gone, too' },
      alice.token,
    );
    const key = nodeNoiseCrypto.generateKeyPair();
    const { ticket } = await openRawSession(server, secret, key);
    await server.request('DELETE', `/api/v1/users/me/tokens/${token.id}`, {
      token: alice.token,
      expect: 200,
    });
    const resumed = await openRawSession(server, ticket, key);
    expect(await resumed.closed).toBe('4401 unauthenticated');
  });

  it('is cut when its token is revoked', async () => {
    const { alice } = world;
    const { token, secret } = await server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Soon gone' },
      alice.token,
    );
    const client = open({ credentials: { token: secret }, serverKey });
    await client.ready();
    const following = await client.open('devices.readings.follow', {
      params: { deviceId: alice.device.deviceId },
    });
    const cut = readText(following).catch(({ code }: { code: string }) => code);
    await server.request('DELETE', `/api/v1/users/me/tokens/${token.id}`, {
      token: alice.token,
      expect: 200,
    });
    expect(await cut).toBe('session_lost');
    await expect(client.request('networks.list')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is not opened with a token that nobody has, nor with another server', async () => {
    await expect(open({ credentials: { token: 'ygu_wrong' }, serverKey }).ready()).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    const wrongKey = Buffer.alloc(32, 9).toString('base64url');
    await expect(
      open({ credentials: { token: world.alice.token }, serverKey: wrongKey }).ready(),
    ).rejects.toMatchObject({ code: 'ratatoskr_handshake_failed' });
  });

  it('ends with a code for what does not belong there', async () => {
    expect(await closedAfter(['hello'])).toBe('4400 ratatoskr_message_malformed');
    expect(await closedAfter([Uint8Array.of(0xff, 1, 2)])).toBe('4400 ratatoskr_message_malformed');
    expect(await closedAfter([Uint8Array.of(8, 9, 16, 1)])).toBe('4400 ratatoskr_version_unsupported');
    expect(await closedAfter([Uint8Array.of(8, 1, 16, 1, 0x22, 1, 7)])).toBe(
      '4401 ratatoskr_handshake_failed',
    );
    expect(await closedAfter([new Uint8Array(70_000)])).toMatch(/^100[69] /);
  });

  it('is not begun by more than a number of strangers at the same time, and then by who solves a puzzle', async () => {
    /** As many as may be begin sessions and leave them; what the next one is told meanwhile. */
    const come = async () => {
      const waiting = Array.from(
        { length: OPENING_PER_ADDRESS_MAX },
        () => new WebSocket(sessionUrl(server), ['ratatoskr.v1']),
      );
      await Promise.all(waiting.map((socket) => new Promise((resolve) => socket.once('open', resolve))));
      const told = await closedAfter([]);
      const closed = waiting.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      for (const socket of waiting) socket.close();
      await Promise.all(closed);
      return told;
    };
    expect(await come()).toBe('4429 rate_limited');
    // Who doesn't know of puzzles; again where the minute in which they came is over.
    const knowsNone = async () => {
      const told = await closedAfter([Uint8Array.of(8, 1, 16, 1, 0x22, 1, 7)]);
      if (told !== '4429 rate_limited') await come();
      return told;
    };
    await expect.poll(knowsNone, { timeout: 30_000 }).toBe('4429 rate_limited');
    await expect
      .poll(() =>
        asAlice()
          .ready()
          .then(
            () => 'open',
            () => 'refused',
          ),
      )
      .toBe('open');
  });
});

it('a session is resumed at the next server of its database, with the keys that its clients know', async () => {
  const key = nodeNoiseCrypto.generateKeyPair();
  const { ticket } = await openRawSession(server, world.alice.token, key);
  await server.stopApp();
  const next = await startTestServer({
    DATABASE_URL: server.databaseUrl,
    YGGDRASIL_DATA_DIR: server.dataDirectory,
    YGGDRASIL_RATATOSKR_PORT: '0',
  });
  try {
    const { ratatoskr } = await next.get<Description>('/api/v1/server');
    expect(ratatoskr.publicKeys[0]).toBe(serverKey);
    const apart = { httpUrl: `http://127.0.0.1:${ratatoskr.port}` };
    const resumed = await openRawSession(apart, ticket, key);
    expect(resumed.ticket).toHaveLength(32);
    // At a port of its own it is alone, and at the other one it isn't.
    expect((await fetch(`${apart.httpUrl}/healthz`)).status).toBe(404);
    expect((await next.request('GET', '/ratatoskr')).status).toBe(404);
    await expect(openRawSession(next, ticket, key)).rejects.toThrow('404');
    const again = await openRawSession(apart, ticket, key);
    expect(await again.closed).toBe('4409 session_resumed_twice');
  } finally {
    await next.stop();
  }
});
