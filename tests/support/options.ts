import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** The number of an environment variable by which a test is made longer than it is by itself. */
export function readNumber(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${variable} must be a whole number`);
  return Number(text);
}

/** `YGGDRASIL_TEST_SEED`, or a new one. Print it. */
export const readSeed = (): number => readNumber('YGGDRASIL_TEST_SEED', randomInt(1, 1_000_000_000));

/** Runs test files with some of their variables set; ends this process with their exit code. */
export function runLongTests(
  projects: readonly string[],
  testFiles: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): never {
  const given = Object.entries(variables).filter(([, value]) => value !== undefined);
  const chosen = projects.flatMap((project) => ['--project', project]);
  const { status } = spawnSync('npx', ['vitest', 'run', ...chosen, ...testFiles], {
    env: { ...process.env, ...Object.fromEntries(given) },
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}
