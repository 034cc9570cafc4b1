import { connectRatatoskr, type RatatoskrClient, systemClock } from '../../../device/client/index.ts';
import { nodeSessions } from '../../../device/node/ratatoskr.ts';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { Provider } from '../../../device/provider/provider.ts';
import { createDeviceCore } from '../core.ts';
import { call } from '../crash/household.ts';
import type { ServerProcess } from '../server-process.ts';
import type { DeviceCredentials } from '../world.ts';
import { WordEndpoint } from './words.ts';

/** Somebody with an account of their own who sells what an endpoint says. */
export interface Seller {
  readonly token: string;
  readonly endpoint: WordEndpoint;
  /** Its line to the server breaks; it connects again. */
  breakLine(): void;
  /** It is gone, as by a kill: nothing says goodbye. */
  die(): void;
}

const sessions = nodeSessions(createDeviceCore());

/** Opens an account, a device and an endpoint, and offers the model `words`; resolves when that is on the market. */
export async function openSeller(
  server: ServerProcess,
  adminToken: string,
  priceCents: string,
): Promise<Seller> {
  const post = <T>(path: string, body: unknown, token: string) =>
    call<T>(server, 'POST', path, { body, token });
  const { user, token } = await post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name: 'Seller' },
    adminToken,
  );
  const standing = { token: adminToken, body: { canPay: true, canBePaid: true } };
  await call(server, 'PUT', `/api/v1/admin/payment-standing/${user.id}`, standing);
  const network = await post<{ id: string }>('/api/v1/networks', { name: 'Machines' }, token);
  const machine = { name: 'GPU', networkId: network.id, worldType: 'midgard' };
  const { credentials } = await post<{ credentials: DeviceCredentials }>('/api/v1/devices', machine, token);

  const endpoint = new WordEndpoint();
  const address = await endpoint.listen();
  let line: { terminate?: () => void } | null = null;
  const client = connectRatatoskr(
    { url: `${server.webSocketUrl}/ratatoskr`, credentials },
    {
      ...sessions,
      openSocket: (...given) => {
        const socket = sessions.openSocket(...given);
        line = socket as { terminate?: () => void };
        return socket;
      },
    },
  ) as RatatoskrClient;
  const prices = { prompt: priceCents, cachedPrompt: priceCents, completion: priceCents };
  const model = { name: 'words', endpointName: 'words', prices, contextTokens: 4_096, fields: [] };
  const offered = new Promise<void>((resolve, reject) => {
    const provider = new Provider(
      {
        models: [{ ...model, continuesAnswers: true, features: ['chat'] }],
        slots: 4,
        firstTokenTimeoutMs: null,
      },
      {
        client,
        endpoint: new Endpoint({ baseUrl: address, apiKey: null }, { fetch, clock: systemClock }),
        clock: systemClock,
        report: ({ kind }) => {
          if (kind === 'offered') resolve();
        },
      },
    );
    provider.run().catch(reject);
  });
  await offered;
  const breakLine = () => line?.terminate?.();
  return {
    token,
    endpoint,
    breakLine,
    die() {
      endpoint.close();
      breakLine();
      client.close();
    },
  };
}
