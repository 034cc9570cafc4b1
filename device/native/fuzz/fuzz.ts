import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layout } from '../layout.ts';
import type { FuzzBits, FuzzTarget } from './targets.ts';

/** Longest input: a module of a script is four times as long, but what matters in it comes early. */
const INPUT_BYTES_MAX = 4096;
/** Of a target, in the repository; the seeds come on top. */
const CORPUS_BYTES_MAX = 16_384;
/** One input may take so long under sanitizers on a busy machine. */
const INPUT_SECONDS_MAX = 20;

/** How a run of libFuzzer ended. */
export interface FuzzResult {
  readonly target: FuzzTarget;
  readonly bits: FuzzBits;
  /** Inputs that were given. */
  readonly runs: number;
  /** False: it crashed, hung, or a sanitizer found something; `output` says what, and the input. */
  readonly isClean: boolean;
  readonly output: string;
}

function corpusFile(target: FuzzTarget): string {
  return `${layout.corpus}/${target}.txt`;
}

/** Inputs of the corpus, a line of base64 each. */
function readCorpus(target: FuzzTarget): Buffer[] {
  if (!existsSync(corpusFile(target))) return [];
  const lines = readFileSync(corpusFile(target), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'));
}

/** Keeps the seeds, and the shortest of the others, as many as have room. */
function writeCorpus(target: FuzzTarget, inputs: readonly Uint8Array[], seeds: readonly Uint8Array[]): void {
  const kept = [...seeds];
  let bytes = 0;
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    bytes += input.length;
    if (bytes <= CORPUS_BYTES_MAX) kept.push(input);
  }
  const lines = kept.map((input) => Buffer.from(input).toString('base64'));
  writeFileSync(corpusFile(target), `${[...new Set(lines)].sort().join('\n')}\n`);
}

function runProgram(target: FuzzTarget, bits: FuzzBits, args: readonly string[]) {
  return spawnSync(`${layout.build(bits === 64 ? 'fuzz64' : 'fuzz32')}/fuzz-${target}`, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, DEVICE_WASM: layout.module('device') },
  });
}

/**
 * Fuzzes one target for so many seconds, from the corpus and further inputs. With `isKept` the smallest inputs that reach what
 * was reached become the corpus.
 */
export function fuzz(
  target: FuzzTarget,
  bits: FuzzBits,
  seconds: number,
  { isKept = false, seeds = [] }: { readonly isKept?: boolean; readonly seeds?: readonly Uint8Array[] } = {},
): FuzzResult {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-fuzz-'));
  try {
    const [given, smallest] = [join(folder, 'given'), join(folder, 'smallest')];
    for (const path of [given, smallest]) mkdirSync(path);
    for (const [index, bytes] of [...readCorpus(target), ...seeds].entries())
      writeFileSync(join(given, `seed-${index}`), bytes);
    const limits = [
      `-max_total_time=${seconds}`,
      `-max_len=${INPUT_BYTES_MAX}`,
      `-timeout=${INPUT_SECONDS_MAX}`,
    ];
    const { status, stderr } = runProgram(target, bits, [
      ...limits,
      '-print_final_stats=1',
      `-artifact_prefix=${layout.build(bits === 64 ? 'fuzz64' : 'fuzz32')}/`,
      given,
    ]);
    const runs = Number(/stat::number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 0);
    if (status === 0 && isKept) {
      runProgram(target, bits, ['-merge=1', `-max_len=${INPUT_BYTES_MAX}`, smallest, given]);
      const inputs = readdirSync(smallest).map((name) => readFileSync(join(smallest, name)));
      writeCorpus(target, inputs, seeds);
    }
    return { target, bits, runs, isClean: status === 0, output: stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
