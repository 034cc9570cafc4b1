import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServerProcess } from '../server-process.ts';
import { type Attacker, createNeighbours } from './household.ts';
import { createVictim, KINDS, type Kind, type Served, type Victim } from './victim.ts';

/** How the victim fared, by itself and beside the attacker, for one kind of work. */
export interface Outcome {
  readonly attack: string;
  readonly kind: Kind;
  readonly aloneP99Ms: number;
  readonly attackedP99Ms: number;
  /** The one by the other. */
  readonly ratio: number;
  readonly served: number;
  /** What the victim was refused while the attacker was at work. */
  readonly refusals: readonly string[];
}

/** Measures a victim's work in turns, alone and under the attack, each `seconds` long, `rounds` times. */
export async function measureAttack(
  attack: string,
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<{ readonly outcomes: readonly Outcome[]; readonly isAlive: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-load-'));
  // Run as root, the database's user must pass through; else its database would be kept elsewhere, and stay.
  chmodSync(directory, 0o711);
  const server = await startServerProcess({
    YGGDRASIL_DATA_DIR: join(directory, 'data'),
    YGGDRASIL_LOG_LEVEL: 'warn',
    // What the other walls hold is measured: everybody is let through to them.
    YGGDRASIL_RATE_LIMITS: 'off',
  });
  try {
    const neighbours = await createNeighbours(server);
    const victim = await createVictim(server, neighbours.victim);
    await victim.work(1);
    const alone: Record<Kind, Served>[] = [];
    const attacked: Record<Kind, Served>[] = [];
    for (let round = 0; round < rounds; round++) {
      alone.push(await victim.work(seconds));
      attacked.push(await workUnderAttack(victim, attack, neighbours.attacker, seconds));
    }
    victim.close();
    const outcomes = KINDS.map((kind) => outcomeOf(attack, kind, alone, attacked));
    return { outcomes, isAlive: server.child.exitCode === null && server.child.signalCode === null };
  } finally {
    await server.end('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The attacker is on another machine as a rule: here it gets only what processor time the others leave. */
async function workUnderAttack(victim: Victim, attack: string, attacker: Attacker, seconds: number) {
  const program = fileURLToPath(new URL('./attacker.ts', import.meta.url));
  const args = ['-n', '19', process.execPath, '--import', 'tsx', program, attack, JSON.stringify(attacker)];
  const child = spawn('nice', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    await Promise.race([
      once(child.stdout, 'data'),
      ended.then(() => Promise.reject(new Error(`the attack ${attack} ended by itself`))),
    ]);
    // Until it is in full swing.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return await victim.work(seconds);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function outcomeOf(
  attack: string,
  kind: Kind,
  alone: readonly Record<Kind, Served>[],
  attacked: readonly Record<Kind, Served>[],
): Outcome {
  // The best round of each: what the others lack, the machine was doing something else.
  const best = (rounds: readonly Record<Kind, Served>[]) =>
    Math.min(...rounds.map((round) => p99Of(round[kind].latenciesMs)));
  const [aloneP99Ms, attackedP99Ms] = [best(alone), best(attacked)];
  return {
    attack,
    kind,
    aloneP99Ms,
    attackedP99Ms,
    ratio: Math.round((attackedP99Ms / aloneP99Ms) * 100) / 100,
    served: attacked.reduce((sum, round) => sum + round[kind].latenciesMs.length, 0),
    refusals: attacked.flatMap((round) => round[kind].refusals),
  };
}

function p99Of(latenciesMs: readonly number[]): number {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return Math.round((sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY) * 100) / 100;
}
