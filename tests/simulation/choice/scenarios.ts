import type { Random } from '../../../server/kernel/random.ts';
import type { MachineModel } from './machine.ts';

/** A market by its seed: who provides, and how much is asked. */
export interface Scenario {
  readonly name: string;
  /** Share of what all slots together can do. */
  readonly load: number;
  readonly durationMs: number;
  /** Tokens of a prompt. */
  promptTokens(random: Random): number;
  machines(random: Random, durationMs: number): readonly MachineModel[];
}

const between = ({ fraction }: Random, min: number, max: number) => min + fraction() * (max - min);
const whole = (random: Random, min: number, max: number) => Math.floor(between(random, min, max + 1));
const short = (random: Random) => whole(random, 20, 400);
/** A few words mostly, and now and then a book: prefill takes minutes of what a machine has. */
const mixed = (random: Random) => (random.fraction() < 0.2 ? whole(random, 4_000, 12_000) : short(random));

function honest(random: Random, changes: Partial<MachineModel> = {}): MachineModel {
  return {
    kind: 'honest',
    priceCents: 10,
    slots: whole(random, 2, 6),
    firstTokenMs: between(random, 150, 550),
    prefillMsPerToken: 0.5,
    tokenMs: between(random, 20, 80),
    ...changes,
  };
}

const many = (count: number, one: (index: number) => MachineModel) =>
  Array.from({ length: count }, (_, index) => one(index));

function equals(count: number, load: number): Scenario {
  const equal = { slots: 3, firstTokenMs: 300, tokenMs: 40 };
  return {
    name: `${count} equal, load ${load}`,
    load,
    durationMs: 200_000,
    promptTokens: short,
    machines: (random) => many(count, () => honest(random, equal)),
  };
}

function band(count: number, load: number, durationMs: number): Scenario {
  return {
    name: `${count} of one price, load ${load}`,
    load,
    durationMs,
    promptTokens: short,
    machines: (random) => many(count, () => honest(random)),
  };
}

const spread: Scenario = {
  name: '20 with prices 10 to 30, load 0.4',
  load: 0.4,
  durationMs: 300_000,
  promptTokens: short,
  machines: (random) => many(20, () => honest(random, { priceCents: whole(random, 10, 30) })),
};

const goneBad: Scenario = {
  name: '20, six gone bad, load 0.5',
  load: 0.5,
  durationMs: 450_000,
  promptTokens: short,
  machines: (random, durationMs) => {
    const trouble = { fromMs: durationMs / 3, toMs: durationMs };
    return [
      ...many(14, () => honest(random)),
      honest(random, { kind: 'ten times slow', trouble: { ...trouble, slowness: 10 } }),
      honest(random, { kind: '2.5 times slow', trouble: { ...trouble, slowness: 2.5 } }),
      honest(random, { kind: 'all errors', trouble: { ...trouble, failShare: 1 } }),
      honest(random, { kind: '25 % errors', trouble: { ...trouble, failShare: 0.25 } }),
      honest(random, { kind: '25 % errors', trouble: { ...trouble, failShare: 0.25 } }),
      honest(random, { kind: 'flapping', flapsEveryMs: 20_000 }),
    ];
  },
};

const liar: Scenario = {
  name: '5, one says 16 slots and has 1, load 0.5',
  load: 0.5,
  durationMs: 600_000,
  promptTokens: short,
  machines: (random) => [
    ...many(4, () => honest(random, { slots: 3, tokenMs: 40 })),
    honest(random, { kind: 'liar', priceCents: 9, slots: 1, declaredSlots: 16, tokenMs: 40 }),
  ],
};

const gougers: Scenario = {
  name: '10, four of them at 1000 times the price, load 0.4',
  load: 0.4,
  durationMs: 300_000,
  promptTokens: short,
  machines: (random) => [
    ...many(6, () => honest(random)),
    ...many(4, () => honest(random, { kind: 'gouger', priceCents: 10_000 })),
  ],
};

const cartel: Scenario = {
  name: '10, four in a cartel at four times the price, load 0.4',
  load: 0.4,
  durationMs: 300_000,
  promptTokens: short,
  machines: (random) => [
    ...many(6, () => honest(random)),
    ...many(4, () => honest(random, { kind: 'cartel', priceCents: 40 })),
  ],
};

const late: Scenario = {
  name: '8, two that begin five seconds late, load 0.4',
  load: 0.4,
  durationMs: 300_000,
  promptTokens: short,
  machines: (random) => [
    ...many(6, () => honest(random)),
    ...many(2, () => honest(random, { kind: 'late', firstTokenMs: 5_000 })),
  ],
};

const prefill: Scenario = {
  name: '8, prefill 1 to 4 ms a token, prompts of 20 to 12,000, load 0.3',
  load: 0.3,
  durationMs: 500_000,
  promptTokens: mixed,
  machines: (random) => many(8, () => honest(random, { prefillMsPerToken: between(random, 1, 4) })),
};

const newcomer: Scenario = {
  name: '6 and a dearer, slower newcomer, load 0.2',
  load: 0.2,
  durationMs: 300_000,
  promptTokens: short,
  machines: (random, durationMs) => [
    ...many(6, () => honest(random)),
    honest(random, { kind: 'newcomer', priceCents: 30, tokenMs: 90, joinsAtMs: durationMs / 3 }),
  ],
};

/** Those that CI looks at: each tells something that no other does. */
export const FEW: readonly Scenario[] = [
  equals(2, 0.4),
  equals(3, 0.4),
  band(12, 0.5, 250_000),
  spread,
  goneBad,
  liar,
  gougers,
  prefill,
  newcomer,
];

/** All that the table shows. */
export const ALL: readonly Scenario[] = [
  ...FEW,
  cartel,
  late,
  equals(2, 0.8),
  band(20, 0.1, 900_000),
  ...[0.3, 0.7, 0.9].map((load) => band(20, load, 300_000)),
  band(100, 0.5, 40_000),
  band(200, 0.5, 100_000),
];
