import { spawnSync } from 'node:child_process';

/** A program of the build ended with an error, which it has printed. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/** Runs a program to its end. Throws BuildError for a code other than 0. */
export function run(program: string, args: readonly string[], stdout: 'ignore' | 'inherit'): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', stdout, 'inherit'] });
  if (error !== undefined || status !== 0) {
    throw new BuildError(`${program} ${args[0]} ended with ${error?.message ?? `code ${status}`}.`);
  }
}
