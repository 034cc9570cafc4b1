import type { ServerCore } from '../../../assembly/host/index.ts';
import { trustOf } from '../../../server/domains/providers/health.ts';
import type { Eligible } from '../../../server/domains/providers/model-market.ts';
import type { SelectionDependencies } from '../../../server/domains/providers/selection.ts';

/**
 * How a request finds its provider: ours, and what it is measured against. Returns those of `eligible` among which the
 * providers' service then chooses: all of them, or the one that another policy would take; those that are busy for nobody.
 */
export type Policy = (eligible: readonly Eligible[], nowMs: number) => readonly Eligible[];

export const POLICIES = {
  ours: () => (eligible) => eligible,

  /** Takes turns among free slots. */
  'round-robin': () => {
    let turn = 0;
    return (eligible, nowMs) => {
      for (let step = 0; step < eligible.length; step++) {
        const chosen = eligible[(turn + step) % eligible.length] as Eligible;
        if (!chosen.provider.hasFreeSlot()) continue;
        if (trustOf(chosen.provider.standing.health, nowMs) === 'paused') continue;
        turn = (turn + step + 1) % eligible.length;
        return [chosen];
      }
      return busyOf(eligible);
    };
  },

  /** The highest score among free slots. */
  'best-score': (dependencies) =>
    amongFree((free, nowMs) => {
      const scored = dependencies.core.score(
        free.map(({ provider, model }) => ({
          price: Number(model.prices.completion) / 1_000_000,
          ...dependencies.qualityOf(provider.id),
          latencyMs: provider.standing.latencyMs(model.name, nowMs) ?? 2_000,
          fairness: 1,
          utilization: 0,
        })),
      );
      if (!scored.ok) throw new Error(scored.reason);
      return least(free, (_, index) => -(scored.scores[index] as number));
    }),

  /** Of two drawn the one that is expected to be done first: peak EWMA, as Finagle and Linkerd do. */
  'two-choices': ({ random }) =>
    amongFree((free, nowMs) => {
      const draw = () => free[Math.floor(random.fraction() * free.length)] as Eligible;
      return least([draw(), draw()], ({ provider, model }) => {
        return (provider.standing.latencyMs(model.name, nowMs) ?? 0) * (provider.running.size + 1);
      });
    }),

  /** The one that was given the fewest tokens for its capacity. */
  'equal-debt': () =>
    amongFree((free, nowMs) =>
      least(free, ({ provider, model }) => {
        const { standing, slots } = provider;
        return (standing.debtTokens(nowMs) * (standing.paceOf(model.name).tokenMs() ?? 1)) / slots;
      }),
    ),
} as const satisfies Record<string, (dependencies: SelectionDependencies & { core: ServerCore }) => Policy>;

export type PolicyName = keyof typeof POLICIES;

/** Looks at free slots of providers that are not put aside; whose pause is over gets a probe, as with ours. */
function amongFree(choose: (free: readonly Eligible[], nowMs: number) => Eligible): Policy {
  return (eligible, nowMs) => {
    const free = eligible.filter(({ provider }) => provider.hasFreeSlot());
    const trusted = (trust: string) =>
      free.filter(({ provider }) => trustOf(provider.standing.health, nowMs) === trust);
    const probe = trusted('probe').find(({ provider }) => provider.standing.probe === null);
    if (probe) return [probe];
    const ready = trusted('ready');
    if (ready.length === 0) return busyOf(eligible);
    return [choose(ready, nowMs)];
  };
}

/** For a request that nobody is chosen for: it waits for one of these. */
function busyOf(eligible: readonly Eligible[]): readonly Eligible[] {
  return eligible.filter(({ provider }) => !provider.hasFreeSlot());
}

function least<T>(values: readonly T[], of: (value: T, index: number) => number): T {
  const costs = values.map(of);
  return values[costs.indexOf(Math.min(...costs))] as T;
}
