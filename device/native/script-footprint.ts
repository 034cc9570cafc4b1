import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompiledScript, compileScript } from '../scripts/compile.ts';
import { CALL_MS_MAX, INSTRUCTIONS_MAX } from '../scripts/limits.ts';
import { encodeManifest } from '../scripts/manifest.ts';
import { makeProject } from '../scripts/project.ts';
import { SCRIPT_ABI_VERSION } from '../sdk/natives.ts';
import { layout, rv32Command } from './layout.ts';
import { requireAnswers } from './runner.ts';

/** The scripts of device/sdk/examples. */
export const EXAMPLES = ['led', 'hysteresis', 'remote'] as const;

/** What a script costs a device, in bytes and in processor instructions. */
export interface ScriptFootprint {
  readonly name: string;
  readonly moduleBytes: number;
  /** Of WAMR's pool, its stack included. */
  readonly poolBytes: number;
  readonly stackBytes: number;
  /** Of the pool: for its calls with their stack, for its instance, and for the module that WAMR has read. */
  readonly environmentBytes: number;
  readonly instanceBytes: number;
  readonly parsedBytes: number;
  readonly imageBytes: number;
  readonly entryBytes: number;
  readonly memoryBytes: number;
  /** All of these but its memory. */
  readonly ramBytes: number;
  /** To load and to start it. */
  readonly startInstructions: number;
}

interface Measured {
  readonly works: boolean;
  readonly figures: Omit<ScriptFootprint, 'name' | 'moduleBytes' | 'stackBytes'>;
}

/** Compiles an example of the SDK. Throws ScriptBuildError. */
export async function compileExample(name: (typeof EXAMPLES)[number]): Promise<CompiledScript> {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-example-'));
  try {
    makeProject(join(folder, name), name, name);
    return await compileScript(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Measures an example on emulated rv32imc, with the smallest stack that it works with. */
export async function measureExample(
  name: (typeof EXAMPLES)[number],
  findSmallest: (isEnough: (bytes: number) => boolean) => number,
): Promise<ScriptFootprint> {
  const script = await compileExample(name);
  const stackBytes = findSmallest((bytes) => measure(script, bytes, false).works);
  const { figures } = measure(script, stackBytes, true);
  return { name, moduleBytes: script.module.length, stackBytes, ...figures };
}

function measure({ module, memoryBytes }: CompiledScript, stackBytes: number, isCounting: boolean): Measured {
  const manifest = encodeManifest({
    name: 'example',
    version: 1,
    abiVersion: SCRIPT_ABI_VERSION,
    moduleBytes: module.length,
    memoryBytes,
    stackBytes,
    instructionsMax: INSTRUCTIONS_MAX,
    callMsMax: CALL_MS_MAX,
    callsPerSecondMax: 20,
    bytesPerMinuteMax: 4096,
    priority: 0,
    sha256: new Uint8Array(32),
  });
  const payload = Buffer.concat([manifest, module]);
  const program = `${layout.build('rv32')}/script-footprint`;
  const [answer] = requireAnswers(rv32Command(program, isCounting), [{ operation: 1, payload }]);
  const bytes = Buffer.from(answer?.result ?? []);
  const at = (index: number) => bytes.readUInt32LE(index * 4);
  const [poolBytes, imageBytes, entryBytes] = [at(0), at(1), at(3)];
  return {
    works: answer?.status === 0 && at(6) === 1,
    figures: {
      poolBytes,
      environmentBytes: at(7),
      instanceBytes: at(8),
      parsedBytes: at(9),
      imageBytes,
      entryBytes,
      memoryBytes: at(2),
      ramBytes: poolBytes + imageBytes + entryBytes,
      startInstructions: at(4) + at(5),
    },
  };
}
