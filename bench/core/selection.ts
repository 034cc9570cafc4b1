import type { ServerCore } from '../../assembly/host/index.ts';
import { LiveProvider, ProviderStanding } from '../../server/domains/providers/live-provider.ts';
import type { ScoringCore } from '../../server/domains/providers/ports.ts';
import { type Eligible, selectProvider } from '../../server/domains/providers/selection.ts';
import { asId, type DeviceId, type TenantId } from '../../server/kernel/ids.ts';
import type { Comparison } from '../harness.ts';
import { type Columns, scoreColumns } from './scores.ts';

const COUNT = 20;
const SLOTS = 4;
const NOW_MS = 10_000;

/** The marketplace's choice among 20 providers, whole, beside the same with the scores made in JavaScript. */
export function compareSelection(core: ServerCore): () => Comparison {
  return () => {
    const ours = selectWith(core);
    const reference = selectWith(createPlainScoring());
    for (let i = 0; i < 1000; i++) {
      if (ours() !== reference()) throw new Error(`Choice ${i} differs from the reference.`);
    }
    return { name: 'select-20', operations: 1, ours, reference };
  };
}

// Each has providers and chance of its own, so both go through the same choices.
function selectWith(core: ScoringCore): () => string {
  const eligible = Array.from({ length: COUNT }, (_, i) => makeProvider(i));
  const qualities = new Map(
    eligible.map(({ provider }, i) => [
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
    const selection = selectProvider(eligible, NOW_MS, dependencies);
    if (!selection.ok) throw new Error('Nobody was chosen.');
    return selection.chosen.provider.id;
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
    new ProviderStanding(),
    { slots: SLOTS, models: [model] },
  );
  const { pace } = provider.standing;
  pace.observeText(true, 200 + ((i * 53) % 397), 4);
  pace.observeText(false, 20 + i, 4);
  pace.observeEnd();
  provider.standing.addDebt(100 + ((i * 29) % 31), NOW_MS - 1000);
  for (let running = i % SLOTS; running > 0; running--) {
    provider.running.add({ startedMs: NOW_MS - 500, lastTextMs: NOW_MS - 10 });
  }
  return { provider, model };
}

function createPlainScoring(): ScoringCore {
  const column = () => new Float32Array(COUNT);
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
    candidatesMax: COUNT,
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
