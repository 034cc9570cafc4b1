import type { PolicyName } from './policies.ts';
import type { Scenario } from './scenarios.ts';
import { THRESHOLDS } from './thresholds.ts';
import { ChoiceWorld, type Outcome } from './world.ts';

/** A scenario as the table shows it: ours beside other policies, means over its seeds. */
export interface Row {
  readonly name: string;
  readonly requests: number;
  readonly jain: number;
  /** Beside the best of the policies. */
  readonly firstTokenRatio: number;
  readonly tokenRatio: number;
  readonly firstTokenP99Ms: number;
  readonly tokenP99Ms: number;
  /** Beside taking turns. */
  readonly priceRatio: number;
  readonly pausedShare: number;
  readonly refused: number;
  readonly newcomerMs: number | null;
  readonly elasticity: number | null;
  readonly shareOf: Readonly<Record<string, number>>;
}

const OTHERS: readonly PolicyName[] = ['round-robin', 'two-choices'];

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function outcomesOf(
  scenario: Scenario,
  policy: PolicyName,
  seeds: readonly number[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const seed of seeds) outcomes.push(await new ChoiceWorld(scenario, policy, seed).run());
  return outcomes;
}

/** Runs a scenario by each policy over the seeds. */
export async function rowOf(scenario: Scenario, seeds: readonly number[]): Promise<Row> {
  const ours = await outcomesOf(scenario, 'ours', seeds);
  const others = new Map<PolicyName, Outcome[]>();
  for (const policy of OTHERS) others.set(policy, await outcomesOf(scenario, policy, seeds));
  const meanOf = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number) => mean(outcomes.map(of));
  const bestOf = (of: (outcome: Outcome) => number) =>
    Math.min(...[ours, ...others.values()].map((outcomes) => meanOf(outcomes, of)));
  const priceOf = ({ centsPer1000Tokens }: Outcome) => centsPer1000Tokens;
  const firstMs = ({ firstTokenP99Ms }: Outcome) => firstTokenP99Ms;
  const tokenMs = ({ tokenP99Ms }: Outcome) => tokenP99Ms;
  const waits = ours.map(({ newcomerMs }) => newcomerMs).filter((ms) => ms !== null);
  const elasticities = ours.map(({ elasticity }) => elasticity).filter((slope) => slope !== null);
  return {
    name: scenario.name,
    requests: meanOf(ours, ({ requests }) => requests),
    jain: meanOf(ours, ({ jain }) => jain),
    firstTokenRatio: meanOf(ours, firstMs) / bestOf(firstMs),
    tokenRatio: meanOf(ours, tokenMs) / bestOf(tokenMs),
    firstTokenP99Ms: meanOf(ours, firstMs),
    tokenP99Ms: meanOf(ours, tokenMs),
    priceRatio: meanOf(ours, priceOf) / meanOf(others.get('round-robin') ?? [], priceOf),
    pausedShare: meanOf(ours, ({ pausedShare }) => pausedShare),
    refused: meanOf(ours, ({ refused }) => refused),
    elasticity: elasticities.length < ours.length ? null : mean(elasticities),
    newcomerMs: waits.length < ours.length ? null : Math.max(...waits),
    shareOf: Object.fromEntries(
      Object.keys(ours[0]?.shareOf ?? {})
        .filter((kind) => kind !== 'honest')
        .map((kind) => [kind, meanOf(ours, ({ shareOf }) => shareOf[kind] ?? 0)]),
    ),
  };
}

/** The head of the table. */
export const HEAD = [
  'scenario'.padEnd(66),
  'requests',
  ' Jain',
  'ttft p99 ms',
  '/best',
  'token p99 ms',
  '/best',
  'price/turns',
  'paused',
  'refused',
  'newcomer s',
  'elasticity',
  'share of its capacity',
].join('  ');

/** A line of the table. */
export function lineOf(row: Row): string {
  const isNewcomer = 'newcomer' in row.shareOf;
  const newcomer = row.newcomerMs === null ? 'never' : (row.newcomerMs / 1_000).toFixed(0);
  return [
    row.name.padEnd(66),
    row.requests.toFixed(0).padStart(8),
    row.jain.toFixed(3),
    row.firstTokenP99Ms.toFixed(0).padStart(11),
    row.firstTokenRatio.toFixed(2).padStart(5),
    row.tokenP99Ms.toFixed(0).padStart(12),
    row.tokenRatio.toFixed(2).padStart(5),
    row.priceRatio.toFixed(2).padStart(11),
    `${(row.pausedShare * 100).toFixed(1)} %`.padStart(6),
    row.refused.toFixed(0).padStart(7),
    (isNewcomer ? newcomer : '').padStart(10),
    (row.elasticity === null ? '' : row.elasticity.toFixed(2)).padStart(10),
    Object.entries(row.shareOf)
      .map(([kind, share]) => `${kind} ${share.toFixed(2)}`)
      .join(', '),
  ].join('  ');
}

/** Which thresholds a row doesn't meet. */
export function problemsOf(row: Row): string[] {
  const isBand = /equal|of one price/.test(row.name);
  const bounds: readonly (readonly [string, boolean])[] = [
    ['Jain', !isBand || row.jain >= THRESHOLDS.jainMin],
    ['time to first token', row.firstTokenRatio <= THRESHOLDS.latencyRatioMax],
    ['time per token', row.tokenRatio <= THRESHOLDS.latencyRatioMax],
    ['price', !row.name.includes('prices') || row.priceRatio <= THRESHOLDS.priceRatioMax],
    ['paused', row.pausedShare <= THRESHOLDS.pausedShareMax],
    ['unreliable', (row.shareOf['25 % errors'] ?? 0) <= THRESHOLDS.unreliableShareMax],
    ['gouger', (row.shareOf.gouger ?? 0) <= THRESHOLDS.gougerShareMax],
    ['cartel', (row.shareOf.cartel ?? 0) <= THRESHOLDS.cartelShareMax],
    ['late', (row.shareOf.late ?? 0) <= THRESHOLDS.lateShareMax],
    ['elasticity', !row.name.includes('prices') || (row.elasticity ?? 0) <= THRESHOLDS.elasticityMax],
    [
      'newcomer',
      !('newcomer' in row.shareOf) || (row.newcomerMs !== null && row.newcomerMs <= THRESHOLDS.newcomerMsMax),
    ],
  ];
  return bounds.filter(([, isMet]) => !isMet).map(([what]) => `${what}: ${row.name}`);
}
