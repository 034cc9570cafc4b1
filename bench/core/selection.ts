import type { ServerCore } from '../../assembly/host/index.ts';
import { LiveProvider, ProviderStanding } from '../../server/domains/providers/live-provider.ts';
import { type Eligible, ModelMarket } from '../../server/domains/providers/model-market.ts';
import type { ScoringCore } from '../../server/domains/providers/ports.ts';
import { selectProvider } from '../../server/domains/providers/selection.ts';
import { asId, type DeviceId, type TenantId } from '../../server/kernel/ids.ts';
import type { Comparison } from '../harness.ts';
import { type Columns, scoreColumns } from './scores.ts';

const SLOTS = 4;
const NOW_MS = 10_000;
const WISH = {
  among: null,
  accountId: 'a',
  expectedTokens: 300,
  priceMax: Number.POSITIVE_INFINITY,
  cachedAt: null,
};

/**
 * The marketplace's choice among so many providers, whole, from the columns that live with their market, beside the same choice
 * over objects: each is asked anew, and scored in JavaScript.
 */
export function compareSelection(core: ServerCore, count: number): () => Comparison {
  return () => {
    const ours = selectWith(core, count, () => {});
    const reference = selectWith(createPlainScoring(count), count, (offers) => {
      for (const { provider } of offers) provider.standing.touch();
    });
    for (let i = 0; i < 100; i++) {
      if (ours() !== reference()) throw new Error(`Choice ${i} differs from the reference.`);
    }
    return { name: `select-${count}`, operations: 1, ours, reference };
  };
}

// Each has providers and chance of its own, so both go through the same choices.
function selectWith(
  core: ScoringCore,
  count: number,
  before: (offers: readonly Eligible[]) => void,
): () => string {
  const offers = Array.from({ length: count }, (_, i) => makeProvider(i));
  const market = new ModelMarket();
  for (const offer of offers) market.add(offer, NOW_MS);
  const qualities = new Map(
    offers.map(({ provider }, i) => [
      provider.id,
      { quality: ((i * 17) % 19) / 18, availability: ((i * 7) % 23) / 22 },
    ]),
  );
  let turn = 0;
  const dependencies = {
    core,
    random: { fraction: () => (turn++ * 0.618_033_988_7) % 1 },
    qualityOf: (id: string) => qualities.get(id) ?? { quality: 0, availability: 0 },
  };
  return () => {
    before(offers);
    const selection = selectProvider(market, WISH, NOW_MS, dependencies);
    if (!selection.ok) throw new Error('Nobody was chosen.');
    const { standing, id } = selection.chosen.provider;
    standing.addDebt(300, NOW_MS);
    return id;
  };
}

function makeProvider(i: number): Eligible {
  const model = {
    name: 'm',
    prices: onePrice(5 + ((i * 31) % 53)),
    contextTokens: 8192,
    continuesAnswers: false,
  };
  const provider = new LiveProvider(
    {
      id: String(i),
      deviceId: asId<DeviceId>(String(i)),
      tenantId: asId<TenantId>('t'),
      link: { request: () => true, grant: () => true, cancel: () => true },
    },
    new ProviderStanding(asId<TenantId>('t')),
    { slots: SLOTS, models: [model] },
  );
  const { standing } = provider;
  standing.givenAtMs = NOW_MS;
  const pace = standing.paceOf('m');
  const firstMs = 200 + ((i * 53) % 397);
  pace.observeFirstText(0, firstMs);
  pace.observeMoreText(20 + (i % 60), 4);
  pace.observeEnd(0, firstMs);
  standing.addDebt(100 + ((i * 29) % 31), NOW_MS - 1000);
  for (let running = i % SLOTS; running > 0; running--) {
    const place = provider.running.size + 1;
    provider.running.add({
      modelName: 'm',
      promptTokens: 0,
      place,
      startedMs: NOW_MS - 500,
      lastTextMs: NOW_MS - 10,
    });
  }
  return { provider, model };
}

function createPlainScoring(count: number): ScoringCore {
  const column = () => new Float32Array(count);
  const candidates: Columns<Float32Array> = {
    price: column(),
    quality: column(),
    latencyMs: column(),
    availability: column(),
    fairness: column(),
    utilization: column(),
    scores: column(),
  };
  return {
    candidatesMax: count,
    candidates,
    scoreBatch: () => {
      scoreColumns(candidates);
      return { ok: true };
    },
  };
}

/** One price for everything, in whole cents. */
function onePrice(cents: number) {
  const price = BigInt(cents) * 1_000_000n;
  return { prompt: price, cachedPrompt: price, completion: price };
}
