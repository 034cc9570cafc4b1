import type { ServerProcess } from '../server-process.ts';
import type { DeviceCredentials } from '../world.ts';

/** A requester and a provider, each with an account and a network of its own, on a server that is new. */
export interface CrashHousehold {
  readonly adminToken: string;
  readonly userId: string;
  readonly token: string;
  readonly sellerToken: string;
  /** Devices of one network: they publish over WebSocket and MQTT, read all the time, and read after a crash. */
  readonly sensor: DeviceCredentials;
  readonly meter: DeviceCredentials;
  readonly listener: DeviceCredentials;
  readonly archive: DeviceCredentials;
  /** Serves the requests. */
  readonly machine: DeviceCredentials;
}

interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** Calls the REST interface. Throws for everything but a success. */
export async function call<T>(
  server: Pick<ServerProcess, 'httpUrl'>,
  method: string,
  path: string,
  { token, body, idempotencyKey }: CallOptions = {},
): Promise<T> {
  const response = await fetch(server.httpUrl + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      // One that is kept open may be closed by the server at the moment it is used again.
      connection: 'close',
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** Sets a new server up and fills it. */
export async function createCrashHousehold(server: ServerProcess): Promise<CrashHousehold> {
  const post = <T>(path: string, body: unknown, token?: string) =>
    call<T>(server, 'POST', path, { body, ...(token === undefined ? {} : { token }) });
  const code = server.setupCode;
  const { token: adminToken } = await post<{ token: string }>('/api/v1/setup', { code, name: 'Operator' });
  const newUser = async (name: string) => {
    const { user, token } = await post<{ user: { id: string }; token: string }>(
      '/api/v1/users',
      { name },
      adminToken,
    );
    await call(server, 'PUT', `/api/v1/admin/payment-standing/${user.id}`, {
      token: adminToken,
      body: { canPay: true, canBePaid: true },
    });
    const network = await post<{ id: string }>('/api/v1/networks', { name: 'Home' }, token);
    const newDevice = async (deviceName: string) =>
      (
        await post<{ credentials: DeviceCredentials }>(
          '/api/v1/devices',
          { name: deviceName, networkId: network.id, worldType: 'midgard' },
          token,
        )
      ).credentials;
    return { userId: user.id, token, newDevice };
  };
  const buyer = await newUser('Buyer');
  const seller = await newUser('Seller');
  return {
    adminToken,
    userId: buyer.userId,
    token: buyer.token,
    sellerToken: seller.token,
    sensor: await buyer.newDevice('Sensor'),
    meter: await buyer.newDevice('Meter'),
    listener: await buyer.newDevice('Listener'),
    archive: await buyer.newDevice('Archive'),
    machine: await seller.newDevice('Machine'),
  };
}
