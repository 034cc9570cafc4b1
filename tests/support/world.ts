import type { TestServer } from './server.ts';

/** A device's credentials, as REST gives them. */
export interface DeviceCredentials {
  readonly deviceId: string;
  readonly networkId: string;
  readonly token: string;
  readonly signingKey: string;
}

/** A user with a network and a device in it. */
export interface Household {
  readonly userId: string;
  readonly token: string;
  readonly network: { readonly id: string; readonly name: string };
  readonly device: DeviceCredentials;
}

/** A server with two households that know nothing of each other. */
export interface World {
  readonly server: TestServer;
  readonly adminToken: string;
  readonly alice: Household;
  readonly bob: Household;
}

/** A new household. The names are the same in every household: they must not meet. */
export async function createHousehold(server: TestServer, adminToken: string): Promise<Household> {
  const { user, token } = await server.post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name: 'Somebody' },
    adminToken,
  );
  await server.request('PUT', `/api/v1/admin/payment-standing/${user.id}`, {
    body: { canPay: true, canBePaid: true },
    token: adminToken,
    expect: 200,
  });
  const network = await server.post<{ id: string; name: string }>(
    '/api/v1/networks',
    { name: 'Home' },
    token,
  );
  return {
    userId: user.id,
    token,
    network,
    device: await createDevice(server, token, network.id, 'First device'),
  };
}

/** A new device of a network. */
export async function createDevice(
  server: TestServer,
  token: string,
  networkId: string,
  name: string,
): Promise<DeviceCredentials> {
  const { credentials } = await server.post<{ credentials: DeviceCredentials }>(
    '/api/v1/devices',
    { name, networkId, worldType: 'jotunheim' },
    token,
  );
  return credentials;
}

/** Sets the server up and fills it with two households. */
export async function createWorld(server: TestServer): Promise<World> {
  const { token: adminToken } = await server.post<{ token: string }>('/api/v1/setup', {
    code: server.setupCode,
    name: 'Administrator',
  });
  const alice = await createHousehold(server, adminToken);
  const bob = await createHousehold(server, adminToken);
  return { server, adminToken, alice, bob };
}

/** Money for a user. */
export async function topUp(
  { server, adminToken }: World,
  userId: string,
  amountCents: number,
): Promise<void> {
  await server.request('POST', '/api/v1/ledger/top-ups', {
    body: { userId, amountCents },
    token: adminToken,
    headers: { 'idempotency-key': `${userId}:${amountCents}` },
    expect: 201,
  });
}
