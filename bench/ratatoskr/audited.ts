import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import { startPart } from '../processes/part.ts';
import { type Product, startProduct } from '../processes/product.ts';
import type { RecordWriter } from '../references/record-writer.ts';

const ROUNDS = 4;
/** Accounts with a tenant and a session each, and changes of one of them under way. */
const ACCOUNTS = 32;
const WINDOW = 8;

/** Changes a second, each answered when its record has been committed with it, beside such records alone from as many callers. */
export async function compareAudited(
  report: (result: BenchResult) => void,
  { seconds, quick }: BenchOptions,
): Promise<void> {
  const product = await startProduct();
  const writer = startPart<RecordWriter>('record-writer', 'server');
  const load = startPart<Load>('load', 'load');
  try {
    await writer.call('open', null);
    await load.call('open', await createLanes(product));
    const run = { serverProcessId: product.processId, window: WINDOW };
    await load.call('saturate', { ...run, seconds: seconds / 3 });
    await writer.call('run', { seconds: seconds / 3, callers: ACCOUNTS * WINDOW });
    const [ours, reference]: [number[], number[]] = [[], []];
    for (let count = quick ? 1 : ROUNDS; count > 0; count--) {
      const { messages, seconds: elapsed } = await load.call('saturate', { ...run, seconds });
      ours.push(messages / elapsed);
      reference.push(await writer.call('run', { seconds, callers: ACCOUNTS * WINDOW }));
    }
    const [best, bestReference] = [Math.max(...ours), Math.max(...reference)];
    report({
      name: 'ratatoskr-audited',
      ours: round(best),
      reference: round(bestReference),
      ratio: round(best / bestReference),
      unit: 'msg/s',
      runs: ours.length,
    });
    await load.call('close', null);
    await writer.call('close', null);
  } finally {
    await Promise.all([load.stop(), writer.stop(), product.stop()]);
  }
}

async function createLanes({ port, request }: Product): Promise<LaneSpec[]> {
  const lanes: LaneSpec[] = [];
  for (let i = 0; i < ACCOUNTS; i++) {
    const { token } = await request<{ token: string }>('POST', '/api/v1/users', { name: `Account ${i}` });
    const { items } = await request<{ items: { id: string }[] }>('GET', '/api/v1/tenants', undefined, {
      authorization: `Bearer ${token}`,
    });
    lanes.push({
      source: {
        kind: 'ratatoskr',
        port,
        path: '/ratatoskr',
        session: { token },
        message: { renamedTenant: items[0]?.id ?? '' },
      },
      sink: { kind: 'away' },
      messageBytes: 0,
      progress: 'acknowledged',
    });
  }
  return lanes;
}
