import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../server/platform/database/connect.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type DeviceCredentials, type World } from '../support/world.ts';

interface Claim {
  readonly claimId: string;
  readonly code: string;
  readonly secret: string;
}

let server: TestServer;
let world: World;
/** How far the server's clock is ahead. */
let aheadMs = 0;
let names = 0;

beforeAll(async () => {
  const clock = createSystemClock();
  const ahead = { nowMs: () => clock.nowMs() + aheadMs, monotonicMs: () => clock.monotonicMs() + aheadMs };
  server = await startTestServer({}, { clock: { ...clock, ...ahead } });
  world = await createWorld(server);
});
afterAll(() => server.stop());

const open = () => server.post<Claim>('/api/v1/device-claims', { worldType: 'jotunheim' });

const claim = (code: string, changes: object = {}, { token, network } = world.alice) =>
  server.request('POST', '/api/v1/devices/claim', {
    token,
    body: { code, name: `Claimed ${++names}`, networkId: network.id, ...changes },
  });

const collect = ({ claimId, secret }: Claim) =>
  server.request('POST', `/api/v1/device-claims/${claimId}/credentials`, { body: { secret } });

const codeOf = ({ status, body }: Answer) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;

describe('a device that shows a code', () => {
  it('is its owner’s once it is claimed, and connects with what it fetches itself', async () => {
    const waiting = await open();
    expect(waiting.code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{3}(-[B-DF-HJ-NP-TV-XZ]{3}){2}$/);
    expect((await collect(waiting)).body).toEqual({ credentials: null });
    const claimed = await claim(waiting.code.toLowerCase().replaceAll('-', ' '), { name: 'Lamp' });
    expect(claimed).toMatchObject({ status: 201, body: { name: 'Lamp', worldType: 'jotunheim' } });
    expect(JSON.stringify(claimed.body)).not.toMatch(/ygd_|signingKey/);
    const { credentials } = (await collect(waiting)).body as { credentials: DeviceCredentials };
    expect(credentials).toMatchObject({ deviceId: claimed.body.id, networkId: world.alice.network.id });
    const socket = await BifrostSocket.open(server, credentials);
    socket.close();
    // The answer may have been lost.
    expect((await collect(waiting)).body).toEqual({ credentials });
  });

  it('can not be claimed twice, nor by a guess', async () => {
    const waiting = await open();
    expect((await claim(waiting.code)).status).toBe(201);
    expect(codeOf(await claim(waiting.code))).toBe('403 claim_code_wrong');
    expect(codeOf(await claim(waiting.code, {}, world.bob))).toBe('403 claim_code_wrong');
    aheadMs += 61_000;
    const answers: string[] = [];
    for (let guess = 0; guess < 21; guess++) answers.push(codeOf(await claim('BBB-BBB-BBB')));
    expect([...new Set(answers.slice(0, 20))]).toEqual(['403 claim_code_wrong']);
    expect(answers[20]).toBe('429 rate_limited');
    aheadMs += 61_000;
  });

  it('can be claimed by one of two who try at the same time', async () => {
    const waiting = await open();
    const answers = await Promise.all([claim(waiting.code), claim(waiting.code, {}, world.bob)]);
    expect(answers.map(codeOf).sort()).toEqual(['201 ', '403 claim_code_wrong']);
  });

  it('keeps its code where the claim is refused for another reason', async () => {
    const waiting = await open();
    const taken = { name: 'First device' };
    expect(codeOf(await claim(waiting.code, taken))).toBe('409 device_name_taken');
    expect(codeOf(await claim(waiting.code, { networkId: world.bob.network.id }))).toBe(
      '404 network_not_found',
    );
    expect((await claim(waiting.code)).status).toBe(201);
  });

  it('gets nothing with another secret, as if it did not wait', async () => {
    const waiting = await open();
    await claim(waiting.code);
    const unknown = await collect({ ...waiting, claimId: '00000000-0000-4000-8000-00000000dead' });
    const wrong = await collect({ ...waiting, secret: 'wrong' });
    expect([codeOf(unknown), codeOf(wrong)]).toEqual(Array(2).fill('404 claim_not_found'));
  });

  it('waits ten minutes, and what waited for it is gone after them', async () => {
    const [unclaimed, claimed] = [await open(), await open()];
    await claim(claimed.code);
    aheadMs += 10 * 60_000;
    expect(codeOf(await claim(unclaimed.code))).toBe('403 claim_code_wrong');
    expect(codeOf(await collect(claimed))).toBe('404 claim_not_found');
  });
});

it('codes, secrets and credentials are not readable in the database', async () => {
  const waiting = await open();
  await claim(waiting.code);
  const { credentials } = (await collect(waiting)).body as { credentials: DeviceCredentials };
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  const takenBack = new Error('taken back');
  let text = '';
  await owner
    .begin(async (sql) => {
      await sql`ALTER TABLE device_claims NO FORCE ROW LEVEL SECURITY`;
      const [row] = await sql<{ text: string }[]>`
        SELECT string_agg(encode(coalesce(credentials_sealed, ''), 'escape') || device_claims::text, ' ') AS text
        FROM device_claims`;
      text = row?.text ?? '';
      throw takenBack;
    })
    .catch((error: unknown) => {
      if (error !== takenBack) throw error;
    })
    .finally(() => owner.end({ timeout: 5 }));
  expect(text).toContain(waiting.claimId);
  for (const secret of [waiting.code, waiting.secret, credentials.token, credentials.signingKey]) {
    expect(text).not.toContain(secret);
  }
});
