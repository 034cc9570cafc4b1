import { BifrostError } from './errors.ts';

/** Refuses what comes with a token that is lower than one that came before: for what a lock guards, in one process. */
export interface TokenGuard {
  /** Throws BifrostError `lock_token_stale`. Call it in the same turn as the change that it guards. */
  require(name: string, token: number): void;
}

/** A guard that knows the highest token of each name; `highest`: what an earlier run has kept. */
export function createTokenGuard(highest: Iterable<readonly [string, number]> = []): TokenGuard {
  const known = new Map(highest);
  return {
    require(name, token) {
      if (token < (known.get(name) ?? 0)) {
        throw new BifrostError('lock_token_stale', `A later holder of "${name}" was here already.`);
      }
      known.set(name, token);
    },
  };
}
