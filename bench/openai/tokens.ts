import { type BenchOptions, type BenchSuite, median, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { ChatTimes, OpenAiLoad } from './load-part.ts';
import { MODEL, openMarket, startRuleEndpoint, type Target } from './market.ts';

/** Words that are some token each. */
const WORDS =
  'the of and to in is that it was for on are with as be at one have this from or had by not but what all were'.split(
    ' ',
  );
const TOKENS = 1_000_000;
const ROUNDS = 3;
const READS = 400;

/**
 * Somebody's reads while another's prompt of a million tokens is counted, beside the same reads when nothing else goes on: `ours` and
 * `reference` are their p99.
 */
export async function reportTokens(
  report: Parameters<BenchSuite['run']>[0],
  { quick }: BenchOptions,
): Promise<void> {
  const endpoint = await startRuleEndpoint();
  const market = await openMarket(endpoint.url, { slots: 4, buyers: 2 });
  const load = startPart<OpenAiLoad>('openai-load', 'load');
  const [reader, asker] = market.buyers as [Target, Target];
  const body = promptOf(quick ? TOKENS / 20 : TOKENS);
  const read = { url: `${new URL(reader.url).origin}/api/v1/users/me`, headers: reader.headers };
  const reads = (count: number) => load.call('reads', { ...read, count });
  const [alone, meanwhile]: [ChatTimes[], ChatTimes[]] = [[], []];
  let countedSeconds = 0;
  try {
    await reads(READS);
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
      alone.push(await reads(READS));
      let isOver = false;
      const beganMs = performance.now();
      const asked = ask(asker, body).finally(() => {
        isOver = true;
        countedSeconds = (performance.now() - beganMs) / 1_000;
      });
      // As long as it takes: a read behind it would be one alone.
      const during: ChatTimes[] = [];
      while (!isOver) during.push(await reads(READS / 20));
      await asked;
      meanwhile.push({
        medianMs: median(during.map(({ medianMs }) => medianMs)),
        p99Ms: Math.max(...during.map(({ p99Ms }) => p99Ms)),
      });
    }
  } finally {
    await load.stop();
    await market.stop();
    await endpoint.stop();
  }
  const p99Of = (times: readonly ChatTimes[]) => median(times.map(({ p99Ms }) => p99Ms));
  report({
    name: 'tokens',
    ours: round(p99Of(meanwhile)),
    reference: round(p99Of(alone)),
    ratio: round(p99Of(alone) / p99Of(meanwhile)),
    unit: 'ms at p99',
    runs: alone.length,
    note: `a read while ${Math.round(body.length / 1e5) / 10} MB of prompt are counted and answered in ${round(countedSeconds)} s; ours is the slowest of all reads meanwhile`,
  });
}

/** The body of a chat with so many tokens. */
function promptOf(tokens: number): string {
  const words = Array.from(
    { length: tokens },
    (_, index) => WORDS[(index * 7 + (index >> 5)) % WORDS.length],
  );
  const messages = [{ role: 'user', content: words.join(' ') }];
  return JSON.stringify({ model: MODEL, max_tokens: 50, messages });
}

/** Throws where it isn't answered. */
async function ask({ url, headers }: Target, body: string): Promise<void> {
  const sent = { ...headers, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/chat/completions`, { method: 'POST', headers: sent, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the long prompt: ${answer.status} ${text.slice(0, 500)}`);
}
