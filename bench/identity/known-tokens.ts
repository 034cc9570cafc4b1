import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { createKnownCallers } from '../../server/domains/presence/index.ts';
import type { AccountActor } from '../../server/kernel/actor.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../server/kernel/ids.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { type BenchOptions, type BenchResult, median, round } from '../harness.ts';

const ROUNDS = 9;
const CHECKS = 50_000;
const TOKENS = 1_000;

/**
 * Processor time of the check of a token that was shown a moment ago: its hash, and the look into memory that says whose it is. Beside the fastest way of Node: its own hash
 * and a Map, which forgets nothing and hears of no revocation.
 */
export async function compareKnownTokens(
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
  const encoder = new TextEncoder();
  const callers = createKnownCallers({ connections: { onChange: () => {} }, clock: createSystemClock() });
  const tokens = Array.from({ length: TOKENS }, (_, number) => `ygu_${String(number).padStart(43, 'x')}`);
  const actors = new Map(tokens.map((token, number) => [hash('sha256', token, 'hex'), actorOf(number)]));
  const ours = (token: string) =>
    callers.identify(core.sha256(encoder.encode(token)), null, async () => actorOf(0));
  const reference = async (token: string) => actors.get(hash('sha256', token, 'hex')) ?? null;
  const microseconds = async (check: (token: string) => Promise<unknown>) => {
    const checks = quick ? CHECKS / 10 : CHECKS;
    const before = process.cpuUsage();
    for (let done = 0; done < checks; done++) await check(tokens[done % TOKENS] as string);
    return process.cpuUsage(before).user / checks;
  };
  const rounds: { ours: number[]; reference: number[] } = { ours: [], reference: [] };
  // The first one is not counted: the compiler has to have seen it.
  for (let count = quick ? 2 : ROUNDS + 1; count > 0; count--) {
    rounds.ours.push(await microseconds(ours));
    rounds.reference.push(await microseconds(reference));
  }
  const [our, theirs] = [median(rounds.ours.slice(1)), median(rounds.reference.slice(1))];
  report({
    name: 'token-known',
    ours: round(our),
    reference: round(theirs),
    ratio: round(theirs / our),
    unit: 'us',
    runs: rounds.ours.length - 1,
  });
}

const actorOf = (number: number): AccountActor => ({
  kind: 'account',
  accountId: asId<AccountId>(String(number)),
  tenantId: asId<TenantId>(String(number)),
  credentialId: asId<CredentialId>(String(number)),
  role: 'owner',
  networkIds: null,
  operator: false,
});
