import { type BenchOptions, type BenchSuite, median, round } from '../harness.ts';
import { type Part, startPart } from '../processes/part.ts';
import type { ChatTimes, OpenAiLoad } from './load-part.ts';
import { MODEL, openMarket, startRuleEndpoint, type Target } from './market.ts';
import { type Gateway, startPortkey } from './portkey.ts';
import { reportStreams } from './streams.ts';
import { reportTokens } from './tokens.ts';

/** Chats of a round, one at a time, and rounds of each way. */
const CHATS = 300;
const ROUNDS = 5;
/** Chats at a time. */
const LANES = 50;

/**
 * A chat through the marketplace, every hold durable, beside the same chat straight at the provider's endpoint, and beside
 * another gateway before the same endpoint. Server and gateway share a core; endpoint, provider and load have the other.
 */
export const suite: BenchSuite = {
  name: 'openai',
  run: async (report, options) => {
    await reportChats(report, options);
    await reportTokens(report, options);
    await reportStreams(report, options);
  },
};

/** Chats beside those straight at the endpoint, and beside another gateway's. */
async function reportChats(
  report: Parameters<BenchSuite['run']>[0],
  { seconds, quick }: BenchOptions,
): Promise<void> {
  const endpoint = await startRuleEndpoint();
  const market = await openMarket(endpoint.url, { slots: LANES * 2, buyers: 1 });
  const [ours] = market.buyers as [Target];
  const direct = { url: endpoint.url, headers: {}, model: MODEL };
  const load = startPart<OpenAiLoad>('openai-load', 'load');
  let portkey: Gateway | null = null;
  try {
    const [chats, rounds] = quick ? [20, 1] : [CHATS, ROUNDS];
    const inTurn = (target: Target, isStreamed: boolean) =>
      load.call('inTurn', { target: { ...target, isStreamed }, count: chats });
    await inTurn(ours, false);
    for (const [name, isStreamed] of [
      ['openai-plain', false],
      ['openai-first-chunk', true],
    ] as const) {
      const ways = [ours, direct].map((target) => () => inTurn(target, isStreamed));
      const [our, reference] = await takeTurns(ways, rounds);
      report(timesResult(name, our, reference, rounds));
    }
    portkey = quick ? null : await startPortkey(endpoint.url, MODEL);
    if (portkey === null) return;
    await inTurn(portkey.target, false);
    const ways = [ours, portkey.target, direct].map((target) => () => inTurn(target, false));
    const [our, theirs, straight] = await takeTurns(ways, rounds);
    const added = [our, theirs].map((times) => medianOf(times) - medianOf(straight));
    report(peerResult('openai-plain-peer', added[0], added[1], 'added ms', rounds));
    await reportParallel(load, { ours, theirs: portkey.target }, { seconds, rounds }, report);
  } finally {
    await load.stop();
    await portkey?.stop();
    await market.stop();
    await endpoint.stop();
  }
}

/** Runs each way in turn, some rounds of it. */
async function takeTurns<Result>(
  ways: readonly (() => Promise<Result>)[],
  rounds: number,
): Promise<Result[][]> {
  const results: Result[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, way] of ways.entries()) results[index]?.push(await way());
  }
  return results;
}

const medianOf = (times: readonly ChatTimes[] = []) => median(times.map(({ medianMs }) => medianMs));

function timesResult(
  name: string,
  ours: readonly ChatTimes[] | undefined,
  reference: readonly ChatTimes[] | undefined,
  runs: number,
) {
  const [our, their] = [medianOf(ours), medianOf(reference)];
  const p99Ms = median((ours ?? []).map((times) => times.p99Ms));
  const note = `${round(our - their)} ms more; ours at p99 ${round(p99Ms)}`;
  return {
    name,
    ours: round(our),
    reference: round(their),
    ratio: round(their / our),
    unit: 'ms',
    runs,
    note,
  };
}

function peerResult(name: string, ours = Number.NaN, theirs = Number.NaN, unit: string, runs: number) {
  const ratio = unit === 'chats/s' ? ours / theirs : theirs / ours;
  return {
    name,
    ours: round(ours),
    reference: round(theirs),
    ratio: round(ratio),
    unit,
    runs,
    note: "beside Portkey's gateway",
  };
}

async function reportParallel(
  load: Part<OpenAiLoad>,
  { ours, theirs }: { readonly ours: Target; readonly theirs: Target },
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
  report: Parameters<BenchSuite['run']>[0],
): Promise<void> {
  const ways = [ours, theirs].map(
    (target) => () =>
      load.call('atOnce', { target: { ...target, isStreamed: false }, lanes: LANES, seconds }),
  );
  const [our = [], their = []] = await takeTurns(ways, rounds);
  report(peerResult('openai-parallel-peer', median(our), median(their), 'chats/s', rounds));
}
