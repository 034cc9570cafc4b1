import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { WitnessStore } from '../client/index.ts';

/** Lines that are kept at most, some 0.5 KB each: past it the older half goes. */
const LINES_MAX = 20_000;

const MODE = 0o600;

/** A witness's heads as a file, a line for each, and its key as another beside it, both for its owner alone. */
export function createWitnessFiles(path: string): WitnessStore {
  const read = (name: string): string | null => {
    try {
      return readFileSync(name, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  const lines = () => (read(path) ?? '').split('\n').filter((line) => line !== '');
  return {
    loadKey: async () => read(`${path}.key`),
    saveKey: async (key) => writeFileSync(`${path}.key`, key, { mode: MODE, flag: 'wx', flush: true }),
    loadLast: async () => lines().at(-1) ?? null,
    async add(line) {
      const kept = lines();
      if (kept.length >= LINES_MAX) {
        writeFileSync(path, `${kept.slice(LINES_MAX / 2).join('\n')}\n`, { mode: MODE, flush: true });
      }
      appendFileSync(path, `${line}\n`, { mode: MODE, flush: true });
    },
  };
}
