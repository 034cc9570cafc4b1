import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import type { Load } from '../load/index.ts';
import { startPart } from '../processes/part.ts';
import { startProduct } from '../processes/product.ts';

const CONNECTIONS = 10_000;
const CONNECTIONS_QUICK = 200;
const DEVICES_OF_A_NETWORK = 100;
const MAKERS = 20;
const OTHERS = 10;

interface Made {
  readonly credentials: {
    readonly deviceId: string;
    readonly networkId: string;
    readonly token: string;
    readonly signingKey: string;
  };
}

/** A tenant with so many devices connected is suspended: how long until the server has closed the last of them. The reference is the goal, a second. */
export async function timeRevocation(
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const count = quick ? CONNECTIONS_QUICK : CONNECTIONS;
  const product = await startProduct();
  const [load, neighbours] = [startPart<Load>('load', 'load'), startPart<Load>('load', 'load')];
  try {
    const { token } = await product.request<{ token: string }>('POST', '/api/v1/users', { name: 'Many' });
    const as = { authorization: `Bearer ${token}` };
    const devices: Made['credentials'][] = [];
    const networks: string[] = [];
    for (let number = 0; number < count / DEVICES_OF_A_NETWORK; number++) {
      const made = await product.request<{ id: string }>(
        'POST',
        '/api/v1/networks',
        { name: `N ${number}` },
        as,
      );
      networks.push(made.id);
    }
    let next = 0;
    const make = async () => {
      for (let index = next++; index < count; index = next++) {
        const networkId = networks[index % networks.length];
        const body = { name: `Device ${index}`, networkId, worldType: 'jotunheim' };
        devices.push((await product.request<Made>('POST', '/api/v1/devices', body, as)).credentials);
      }
    };
    await Promise.all(Array.from({ length: MAKERS }, make));
    const home = await product.createNetwork('Others');
    const others = await Promise.all(
      Array.from({ length: OTHERS }, (_, number) => product.createDevice(home, `Other ${number}`)),
    );
    await neighbours.call('connect', { kind: 'bifrost', port: product.port, devices: others });
    await load.call('connect', { kind: 'bifrost', port: product.port, devices });
    const { items } = await product.request<{ items: { id: string; role: string }[] }>(
      'GET',
      '/api/v1/tenants',
      undefined,
      as,
    );
    const tenantId = items.find(({ role }) => role === 'owner')?.id ?? '';
    const closed = load.call('untilClosed', null);
    const begunMs = performance.now();
    await product.request('PUT', `/api/v1/admin/suspensions/${tenantId}`, { reason: 'measured' });
    const answeredMs = performance.now() - begunMs;
    const { ms, left } = await closed;
    if (left > 0) throw new Error(`${left} of ${count} are still open`);
    report({
      name: 'revocation',
      ours: round(ms / 1_000),
      reference: 1,
      ratio: round(1_000 / ms),
      unit: 's',
      runs: 1,
      note: `${count} connections of one tenant, suspended; answered after ${round(answeredMs)} ms; ${OTHERS} others stay`,
    });
  } finally {
    await Promise.all([load.stop(), neighbours.stop(), product.stop()]);
  }
}
