import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { type BenchSuite, median, round } from '../harness.ts';
import { type Part, startPart } from '../processes/part.ts';
import { freePort, requirePort } from '../processes/ports.ts';
import { startProgram, stopProcess } from '../processes/processes.ts';
import { type Product, startProduct } from '../processes/product.ts';
import type { ChatTarget, ChatTimes, OpenAiLoad } from './load-part.ts';
import { type Gateway, startPortkey } from './portkey.ts';

const MODEL = 'oracle';
/** Chats of a round, one at a time, and rounds of each way. */
const CHATS = 300;
const ROUNDS = 5;
/** Chats at a time. */
const LANES = 50;
const OFFER_TIMEOUT_MS = 20_000;

type Target = Omit<ChatTarget, 'isStreamed'>;

/**
 * A chat through the marketplace, every hold durable, beside the same chat straight at the provider's endpoint, and beside
 * another gateway before the same endpoint. Server and gateway share a core; endpoint, provider and load have the other.
 */
export const suite: BenchSuite = {
  name: 'openai',
  run: async (report, { seconds, quick }) => {
    const market = await openMarket();
    const load = startPart<OpenAiLoad>('openai-load', 'load');
    let portkey: Gateway | null = null;
    try {
      const [chats, rounds] = quick ? [20, 1] : [CHATS, ROUNDS];
      const inTurn = (target: Target, isStreamed: boolean) =>
        load.call('inTurn', { target: { ...target, isStreamed }, count: chats });
      await inTurn(market.ours, false);
      for (const [name, isStreamed] of [
        ['openai-plain', false],
        ['openai-first-chunk', true],
      ] as const) {
        const ways = [market.ours, market.endpoint].map((target) => () => inTurn(target, isStreamed));
        const [ours, reference] = await takeTurns(ways, rounds);
        report(timesResult(name, ours, reference, rounds));
      }
      portkey = quick ? null : await startPortkey(market.endpoint.url, MODEL);
      if (portkey === null) return;
      await inTurn(portkey.target, false);
      const ways = [market.ours, portkey.target, market.endpoint].map(
        (target) => () => inTurn(target, false),
      );
      const [ours, theirs, direct] = await takeTurns(ways, rounds);
      const added = [ours, theirs].map((times) => medianOf(times) - medianOf(direct));
      report(peerResult('openai-plain-peer', added[0], added[1], 'added ms', rounds));
      await reportParallel(load, { ours: market.ours, theirs: portkey.target }, { seconds, rounds }, report);
    } finally {
      await load.stop();
      await portkey?.stop();
      await market.stop();
    }
  },
};

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

/** A server with a provider that sells what an endpoint answers, and somebody with money. */
async function openMarket() {
  const product = await startProduct();
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-openai-'));
  const endpointPort = await freePort();
  const yggdrasil = [process.execPath, `${checkoutFolder()}build/yggdrasil.js`];
  const endpoint = startProgram('load', [
    ...yggdrasil,
    'rule-endpoint',
    '--port',
    String(endpointPort),
    '--model',
    MODEL,
  ]);
  await requirePort(endpointPort);
  const endpointUrl = `http://127.0.0.1:${endpointPort}/v1`;
  const { id: userId } = await product.request<{ id: string }>('GET', '/api/v1/users/me');
  const standing = { canPay: true, canBePaid: true };
  await product.request('PUT', `/api/v1/admin/payment-standing/${userId}`, standing);
  const credentials = await product.createDevice(await product.createNetwork('Machines'), 'GPU');
  const file = join(folder, 'gpu.json');
  writeFileSync(file, JSON.stringify(credentials), { mode: 0o600 });
  const provider = startProgram('load', [
    ...yggdrasil,
    ...['provider', '--credentials', file, '--server', `ws://127.0.0.1:${product.port}/ratatoskr`],
    ...['--endpoint', endpointUrl, '--model', MODEL, '--price-cents', '0.001', '--slots', String(LANES * 2)],
  ]);
  await untilOffered(product);
  const headers = { authorization: `Bearer ${await createBuyer(product)}` };
  return {
    ours: { url: `http://127.0.0.1:${product.port}/v1`, headers, model: MODEL },
    endpoint: { url: endpointUrl, headers: {}, model: MODEL },
    async stop() {
      await Promise.all([stopProcess(provider), stopProcess(endpoint), product.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody else than the provider's owner, with money; its token. */
async function createBuyer(product: Product): Promise<string> {
  const { user, token } = await product.request<{ user: { id: string }; token: string }>(
    'POST',
    '/api/v1/users',
    { name: 'Buyer' },
  );
  const topUp = { userId: user.id, amountCents: 100_000 };
  await product.request('POST', '/api/v1/ledger/top-ups', topUp, { 'idempotency-key': 'bench' });
  return token;
}

async function untilOffered(product: Product): Promise<void> {
  const deadlineMs = Date.now() + OFFER_TIMEOUT_MS;
  for (;;) {
    const { items } = await product.request<{ items: unknown[] }>('GET', '/api/v1/marketplace/providers');
    if (items.length > 0) return;
    if (Date.now() > deadlineMs) throw new Error('the provider did not offer its model');
    await wait(50);
  }
}
