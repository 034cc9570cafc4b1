import type { BenchOptions, BenchSuite } from '../harness.ts';
import { round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { BarePassThrough } from '../references/bare-pass-through.ts';
import type { OpenAiEndpoint } from './endpoint-part.ts';
import { MODEL, openMarket, type Target } from './market.ts';
import type { StreamsLoad, StreamTimes } from './streams-load-part.ts';

const STREAMS = 512;
const CHUNKS_PER_SECOND = 50;
/** Of one account: it may have 64 requests at work. */
const STREAMS_OF_BUYER = 60;
/** A measured interval, in intervals of the bench: a minute unless it is told otherwise. */
const INTERVALS = 30;

interface Measured extends StreamTimes {
  readonly cpuMicroseconds: number;
}

/**
 * Streams that all go on at the same pace, by us, straight from the endpoint, and by a bare pass-through on our core: gaps between
 * the words that readers see, and processor time a word. Endpoint, provider and readers share the other core.
 */
export async function reportStreams(
  report: Parameters<BenchSuite['run']>[0],
  { seconds, quick }: BenchOptions,
): Promise<void> {
  const count = quick ? 16 : STREAMS;
  const measuredSeconds = quick ? 2 : seconds * INTERVALS;
  const endpoint = startPart<OpenAiEndpoint>('openai-endpoint', 'load');
  const bare = startPart<BarePassThrough>('bare-pass-through', 'server');
  const load = startPart<StreamsLoad>('openai-streams-load', 'load');
  const url = `http://127.0.0.1:${await endpoint.call('listen', { model: MODEL })}/v1`;
  const slots = count * 2;
  const market = await openMarket(url, { slots, buyers: Math.ceil(count / STREAMS_OF_BUYER) });
  const measure = async (targets: readonly Target[], cpuSeconds: () => number): Promise<Measured> => {
    await load.call('open', { targets, count });
    await endpoint.call('begin', { chunksPerSecond: CHUNKS_PER_SECOND });
    const before = cpuSeconds();
    const times = await load.call('read', { seconds: measuredSeconds });
    const cpuMicroseconds = ((cpuSeconds() - before) * 1e6) / times.chunks;
    await endpoint.call('end', undefined);
    await load.call('leave', null);
    return { ...times, cpuMicroseconds };
  };
  try {
    const straight = { url, headers: {}, model: MODEL };
    const passed = `http://127.0.0.1:${await bare.call('listen', { endpoint: url })}/v1`;
    const alone = await measure([straight], () => 0);
    const reference = await measure([{ ...straight, url: passed }], () => bare.cpuSeconds());
    const ours = await measure(market.buyers, () => market.product.cpuSeconds());
    const asked = count * CHUNKS_PER_SECOND * measuredSeconds;
    const seen = (times: StreamTimes) =>
      `${Math.round((100 * times.chunks) / asked)} % of the words came, ${times.stalls} stalls, ${times.ended} ended, longest gap ${Math.round(times.gapMaxMs)} ms`;
    report({
      name: 'openai-streams-gap',
      ours: round(ours.gapP99Ms),
      reference: round(alone.gapP99Ms),
      ratio: round(alone.gapP99Ms / ours.gapP99Ms),
      unit: 'ms at p99',
      runs: 1,
      note: `${count} streams: ${seen(ours)}; without us ${seen(alone)}; by the bare pass-through ${round(reference.gapP99Ms)} ms`,
    });
    report({
      name: 'openai-streams-cpu',
      ours: round(ours.cpuMicroseconds),
      reference: round(reference.cpuMicroseconds),
      ratio: round(reference.cpuMicroseconds / ours.cpuMicroseconds),
      unit: 'us a chunk',
      runs: 1,
      note: 'beside a bare uWebSockets.js pass-through',
    });
  } finally {
    await Promise.all([load.stop(), bare.stop(), market.stop()]);
    await endpoint.stop();
  }
}
