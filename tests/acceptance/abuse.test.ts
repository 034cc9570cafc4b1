import { afterAll, beforeAll, expect, it } from 'vitest';
import { liftAbuse, listAbuse } from '../../server/app/index.ts';
import { readConfig } from '../../server/config/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { silentLogger } from '../support/logger.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type World } from '../support/world.ts';

let mailServer: MailServer;
let server: TestServer;
let world: World;

const settings = () => ({
  YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1',
  YGGDRASIL_SMTP_URL: mailServer.url,
  YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
  YGGDRASIL_ALERT_TO: 'operator@example.org',
});

beforeAll(async () => {
  mailServer = await startMailServer();
  server = await startTestServer(settings());
  world = await createWorld(server);
});
afterAll(async () => {
  await server.stop();
  await mailServer.close();
});

const from = (address: string) => ({ 'x-forwarded-for': address });
const SHARED = '203.0.113.20';

const ask = (token: string, headers: Record<string, string> = from(SHARED), at = server) =>
  at.request('GET', '/api/v1/networks', { token, headers });
const codeOf = ({ status, body }: Answer) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;
const list = async (at = server) =>
  (
    await at.get<{ items: { id: string; subject: { kind: string; id: string } }[] }>(
      '/api/v1/admin/abuse',
      world.adminToken,
    )
  ).items;
const measureOf = async (id: string, at = server) =>
  (await list(at)).find(({ subject }) => subject.id === id);

it('a stranger who guesses tokens is cut off, and a neighbour behind the same address is not', async () => {
  await Promise.all(Array.from({ length: 302 }, (_, tried) => ask(`ygu_guess${tried}`)));
  const last = await ask('ygu_last');
  expect(codeOf(last)).toBe('429 cut_off');
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(3_000);
  const signIn = { body: { email: 'ann@example.org' }, headers: from(SHARED) };
  expect(codeOf(await server.request('POST', '/api/v1/users/login', signIn))).toBe('429 cut_off');
  expect((await ask(world.alice.token)).status).toBe(200);
  expect((await ask(world.bob.token)).status).toBe(200);

  const mail = await mailServer.next('operator@example.org');
  expect(mail.text).toContain(`address ${SHARED}: credentials`);
  expect(
    server.logs.some(({ fields }) => fields.operation === 'abuse.alert' && fields.abuse === 'credentials'),
  ).toBe(true);
  const metrics = await fetch(`${server.httpUrl}/metrics`, {
    headers: { authorization: `Bearer ${world.adminToken}` },
  });
  expect(await metrics.text()).toContain(
    'yggdrasil_abuse_measures_total{kind="credentials",measure="cut_off"} 1',
  );

  const measure = await measureOf(SHARED);
  expect(measure).toMatchObject({ measure: 'cut_off', kind: 'credentials' });
  const lifting = { token: world.adminToken, expect: 200 };
  await server.request('DELETE', `/api/v1/admin/abuse/${measure?.id}`, lifting);
  expect(codeOf(await ask('ygu_one-more'))).toBe('401 unauthenticated');
});

it('an account that tries ids and tenants of others is cut off everywhere, over a restart, until a command lets it go', async () => {
  const mallory = await createHousehold(server, world.adminToken);
  const socket = await BifrostSocket.open(server, mallory.device);
  const idOf = (tried: number) => `00000000-0000-4000-8000-${String(tried).padStart(12, '0')}`;
  const asking = { token: mallory.token, headers: from('203.0.113.30') };
  const tries = Array.from({ length: 250 }, (_, tried) => `/api/v1/devices/${idOf(tried)}`);
  await Promise.all(tries.map((path) => server.request('GET', path, asking)));
  const abroad = (tried: number) => ({ ...from('203.0.113.31'), 'x-tenant-id': idOf(tried) });
  await Promise.all(Array.from({ length: 400 }, (_, tried) => ask(mallory.token, abroad(tried))));
  expect(codeOf(await ask(mallory.token))).toBe('429 cut_off');
  // What it did is its own: its device, and who shares an address with it, go on.
  expect(socket.closeCode).toBeNull();
  socket.close();
  expect((await ask(world.alice.token, from('203.0.113.30'))).status).toBe(200);

  await server.stopApp();
  const environment = { DATABASE_URL: server.databaseUrl, YGGDRASIL_DATA_DIR: server.dataDirectory };
  const again = await startTestServer({ ...settings(), ...environment });
  try {
    expect(codeOf(await ask(mallory.token, from(SHARED), again))).toBe('429 cut_off');
    const id = (await measureOf(mallory.userId, again))?.id ?? '';
    const process = { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger };
    const config = readConfig(environment);
    expect((await listAbuse(config, process)).map((measure) => measure.id)).toContain(id);
    await liftAbuse(config, process, id);
    expect(await listAbuse(config, process)).toEqual([]);
    await expect(liftAbuse(config, process, id)).rejects.toMatchObject({ code: 'abuse_measure_not_found' });
  } finally {
    await again.stop();
    server = await startTestServer(settings());
  }
});
