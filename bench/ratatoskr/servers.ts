import type { BenchOptions, BenchResult } from '../harness.ts';
import { cpuResult, type Side, saturateBoth } from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import { startPart } from '../processes/part.ts';
import { startProduct } from '../processes/product.ts';
import type { BareRatatoskr } from '../references/bare-ratatoskr.ts';
import type { RatatoskrSpec } from '../wire/ratatoskr.ts';

const CLIENTS = 4;
/** Requests of a client under way: what a session may have at the same time. */
const WINDOW_REQUESTS = 32;
/** Pieces of answers, of which there is a sign only now and then. */
const WINDOW_DELTAS = 256;

/** Processor time of servers, each in a process of its own, for requests and pieces of answers in sessions and without. */
export async function compareServers(
  report: (result: BenchResult) => void,
  options: BenchOptions,
): Promise<void> {
  const product = await startProduct();
  const bare = startPart<BareRatatoskr>('bare-ratatoskr', 'server');
  const load = startPart<Load>('load', 'load');
  try {
    const port = await bare.call('listen', null);
    const session = { token: product.token };
    const side = (serverProcessId: number, spec: Omit<RatatoskrSpec, 'kind'>): Side => ({
      serverProcessId,
      lanes: Array.from({ length: CLIENTS }, () => ({
        source: { kind: 'ratatoskr', ...spec },
        sink: { kind: 'away' },
        messageBytes: 0,
        progress: 'acknowledged',
      })),
    });
    const alone = (message: RatatoskrSpec['message']) =>
      side(bare.processId, { port, path: '/session', session, message });
    const plain = (message: RatatoskrSpec['message']) =>
      side(bare.processId, { port, path: '/plain', session: null, message });
    const whole = side(product.processId, {
      port: product.port,
      path: '/ratatoskr',
      session,
      message: 'request',
    });
    const compared = [
      ['ratatoskr-cpu', whole, plain('request'), WINDOW_REQUESTS],
      ['ratatoskr-session-cpu', alone('request'), plain('request'), WINDOW_REQUESTS],
      ['ratatoskr-delta-cpu', alone('delta'), plain('delta'), WINDOW_DELTAS],
    ] as const;
    for (const [name, ours, reference, window] of compared) {
      report(cpuResult(name, await saturateBoth(load, ours, reference, options, window)));
    }
  } finally {
    await Promise.all([load.stop(), bare.stop(), product.stop()]);
  }
}
