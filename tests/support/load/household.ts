import { type CrashHousehold, call, createCrashHousehold } from '../crash/household.ts';
import type { ServerProcess } from '../server-process.ts';
import type { DeviceCredentials } from '../world.ts';

/** Where the attacker connects from. The victim is on 127.0.0.1. */
export const ATTACKER_ADDRESS = '127.0.0.2';

/** What somebody has who does his worst: an account without money, and devices of his own. */
export interface Attacker {
  readonly httpUrl: string;
  readonly webSocketUrl: string;
  readonly mqttUrl: string;
  readonly token: string;
  readonly devices: readonly DeviceCredentials[];
}

/** A tenant with a network, a provider and a balance, and an attacker beside it, on a server that is new. */
export async function createNeighbours(
  server: ServerProcess,
): Promise<{ readonly victim: CrashHousehold; readonly attacker: Attacker }> {
  const victim = await createCrashHousehold(server);
  await call(server, 'POST', '/api/v1/ledger/top-ups', {
    token: victim.adminToken,
    body: { userId: victim.userId, amountCents: 100_000 },
    idempotencyKey: 'load',
  });
  const { user, token } = await call<{ user: { id: string }; token: string }>(
    server,
    'POST',
    '/api/v1/users',
    { token: victim.adminToken, body: { name: 'Attacker' } },
  );
  await call(server, 'PUT', `/api/v1/admin/payment-standing/${user.id}`, {
    token: victim.adminToken,
    body: { canPay: true, canBePaid: true },
  });
  const { id: networkId } = await call<{ id: string }>(server, 'POST', '/api/v1/networks', {
    token,
    body: { name: 'Lair' },
  });
  const devices: DeviceCredentials[] = [];
  for (const name of ['One', 'Two', 'Three']) {
    const body = { name, networkId, worldType: 'midgard' };
    const { credentials } = await call<{ credentials: DeviceCredentials }>(
      server,
      'POST',
      '/api/v1/devices',
      {
        token,
        body,
      },
    );
    devices.push(credentials);
  }
  const { httpUrl, webSocketUrl, mqttUrl } = server;
  return { victim, attacker: { httpUrl, webSocketUrl, mqttUrl, token, devices } };
}
