import { PUZZLE_FROM } from '../../server/transports/ratatoskr/limits.ts';
import { type BenchOptions, type BenchResult, median, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import { startProduct } from '../processes/product.ts';
import type { Strangers } from '../references/strangers.ts';

const ROUNDS = 5;

/** By name: how strangers begin what they leave. */
const KNOCKS = [
  ['ratatoskr-half-open', 'right'],
  ['ratatoskr-half-open-repeated', 'repeated'],
  ['ratatoskr-half-open-broken', 'broken'],
  ['ratatoskr-half-open-unsolved', 'unsolved'],
] as const;

/**
 * Processor time of the server for a handshake that its client leaves half open, beside that of the stranger who begins it, once there
 * are so many that puzzles are asked for: with a first message of its own each, with the same one each time, with one that is of no
 * use; and of who leaves the puzzle as well.
 */
export async function compareHalfOpen(
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const product = await startProduct();
  const strangers = startPart<Strangers>('strangers', 'load');
  try {
    const { ratatoskr } = await product.request<{ ratatoskr: { publicKeys: string[] } }>(
      'GET',
      '/api/v1/server',
    );
    const target = { port: product.port, serverKey: ratatoskr.publicKeys[0] ?? '', count: quick ? 50 : 400 };
    await strangers.call('knock', { ...target, count: PUZZLE_FROM, how: 'right' });
    for (const [name, how] of KNOCKS) {
      const ours: number[] = [];
      const reference: number[] = [];
      // The first one is not counted: compilers have to have seen it.
      for (let count = quick ? 2 : ROUNDS + 1; count > 0; count--) {
        const before = product.cpuSeconds();
        const seconds = await strangers.call('knock', { ...target, how });
        ours.push(((product.cpuSeconds() - before) * 1e6) / target.count);
        reference.push((seconds * 1e6) / target.count);
      }
      const [server, stranger] = [median(ours.slice(1)), median(reference.slice(1))];
      report({
        name,
        ours: round(server),
        reference: round(stranger),
        ratio: round(stranger / server),
        unit: 'us/handshake',
        runs: ours.length - 1,
      });
    }
  } finally {
    await Promise.all([strangers.stop(), product.stop()]);
  }
}
