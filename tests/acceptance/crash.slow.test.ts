import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import {
  ComputeChunk,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  FrameType,
  ProviderOffer,
} from '../../proto/index.ts';
import { createDeviceCore } from '../support/core.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import type { DeviceCredentials } from '../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-crash-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
const environment = {
  YGGDRASIL_DATA_DIR: join(directory, 'data'),
  YGGDRASIL_HOLD_TIMEOUT_SECONDS: '12',
  YGGDRASIL_REQUEST_TIMEOUT_SECONDS: '10',
  YGGDRASIL_SLOT_WAIT_MS: '1000',
};
/** Readings on their way at a time: enough to fill transactions, not to drown everything else. */
const UNANSWERED_MAX = 1_000;
let server: ServerProcess;

beforeAll(async () => {
  server = await startServerProcess(environment);
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

async function call<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
  const response = await fetch(server.httpUrl + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': 'once' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

interface NewUser {
  readonly user: { readonly id: string };
  readonly token: string;
}

async function newDevice(token: string, networkId: string, name: string): Promise<DeviceCredentials> {
  const body = { name, networkId, worldType: 'midgard' };
  return (await call<{ credentials: DeviceCredentials }>('POST', '/api/v1/devices', token, body)).credentials;
}

const clientOf = (credentials: DeviceCredentials) =>
  createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );

/** A provider that answers each request in three pieces. */
async function provide(credentials: DeviceCredentials) {
  const client = clientOf(credentials);
  client.on('frame', ({ type, payload }) => {
    if (type !== FrameType.COMPUTE_REQUEST) return;
    const { requestId } = decodePayload(ComputeRequest, payload);
    ['The answer ', 'is always ', 'forty-two.'].forEach((text, index) => {
      client.sendTransient({
        type: FrameType.COMPUTE_CHUNK,
        payload: encodePayload(ComputeChunk, { requestId, index, text }),
      });
    });
    client.sendTransient({
      type: FrameType.COMPUTE_RESULT,
      payload: encodePayload(ComputeResult, {
        requestId,
        finishReason: 'stop',
        promptTokens: 1_000,
        completionTokens: 1_000,
      }),
    });
  });
  await client.connect();
  await client.request({
    type: FrameType.PROVIDER_OFFER,
    payload: encodePayload(ProviderOffer, {
      slots: 20,
      models: [{ name: 'oracle', priceCentsPer_1000Tokens: 500, contextTokens: 4_096 }],
    }),
  });
  return client;
}

describe('kill -9 under load, and a restart', () => {
  it('loses no accepted message and no cent, and leaves no hold open past its expiry', async () => {
    const { token: adminToken } = await call<NewUser>('POST', '/api/v1/setup', undefined, {
      code: server.setupCode,
      name: 'Administrator',
    });
    const { user, token } = await call<NewUser>('POST', '/api/v1/users', adminToken, { name: 'Alice' });
    const { id: networkId } = await call<{ id: string }>('POST', '/api/v1/networks', token, { name: 'Home' });
    const [sensor, reader, machine] = [
      await newDevice(token, networkId, 'Sensor'),
      await newDevice(token, networkId, 'Reader'),
      await newDevice(token, networkId, 'Machine'),
    ];
    const standing = { canPay: true, canBePaid: true };
    await call('PUT', `/api/v1/admin/payment-standing/${user.id}`, adminToken, standing);
    await call('POST', '/api/v1/ledger/top-ups', adminToken, { userId: user.id, amountCents: 100_000 });

    // Load: readings that are stored, and completions that are paid, until the server is gone.
    const source = clientOf(sensor);
    await source.connect();
    const provider = await provide(machine);
    const accepted: number[] = [];
    const paid: string[] = [];
    let running = true;
    const openAi = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: token, maxRetries: 0 });
    const readings = (async () => {
      let unanswered = 0;
      for (let number = 1; running; ) {
        if (unanswered < UNANSWERED_MAX) {
          const reading = number++;
          unanswered++;
          source
            .publish({ name: 'count', value: reading, unit: '' })
            .then(() => accepted.push(reading))
            .catch(() => undefined)
            .finally(() => unanswered--);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const completions = Array.from({ length: 8 }, async () => {
      while (running) {
        const { data, response } = await openAi.chat.completions
          .create({ model: 'oracle', max_tokens: 50, messages: [{ role: 'user', content: 'What?' }] })
          .withResponse()
          .catch(() => ({ data: null, response: null }));
        if (data !== null) paid.push(response?.headers.get('x-yggdrasil-transaction-id') ?? '');
      }
    });
    await expect.poll(() => accepted.length > 200 && paid.length > 30, { timeout: 20_000 }).toBe(true);
    await server.end('SIGKILL');
    running = false;
    await Promise.all([readings, ...completions]);
    source.close();
    provider.close();

    server = await startServerProcess(environment);

    const received = new Set<number>();
    const listener = clientOf(reader);
    listener.on('event', ({ value }) => {
      if (typeof value === 'number') received.add(value);
    });
    await listener.connect();
    await expect
      .poll(() => accepted.filter((number) => !received.has(number)), { timeout: 20_000 })
      .toEqual([]);
    listener.close();

    interface Money {
      readonly value: string;
    }
    const nothing = { value: '0', currency: 'EUR' };
    interface TrialBalance {
      readonly entriesSum: Money;
      readonly mismatchedAccounts: number;
      readonly openHolds: number;
    }
    const books = () => call<TrialBalance>('GET', '/api/v1/ledger/trial-balance', adminToken);
    expect(await books()).toMatchObject({ entriesSum: nothing, mismatchedAccounts: 0 });
    // A hold whose request was not yet written down when the server died stays until it expires, and no longer.
    await expect.poll(books, { timeout: 20_000 }).toMatchObject({ openHolds: 0, entriesSum: nothing });
    for (const id of new Set(paid)) {
      const transaction = await call<{ state: string }>(
        'GET',
        `/api/v1/marketplace/transactions/${id}`,
        token,
      );
      expect(transaction.state).toBe('COMPLETED');
    }
    const { available, held } = await call<{ available: Money; held: Money }>(
      'GET',
      '/api/v1/ledger/balance',
      token,
    );
    expect(held).toEqual(nothing);
    expect(Number(available.value)).toBeLessThan(1_000);
  });
});
