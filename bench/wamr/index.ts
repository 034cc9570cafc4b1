import { existsSync, readFileSync } from 'node:fs';
import { loadDeviceCore } from '../../assembly/host/index.ts';
import { layout, runnerCommand } from '../../device/native/layout.ts';
import * as requests from '../../device/native/requests.ts';
import { requireAnswers } from '../../device/native/runner.ts';
import { type BenchSuite, median } from '../harness.ts';

const RUNS = 9;
const MESSAGE_BYTES = 64;
const WAMR_SIGNATURES = 5000;
const V8_SIGNATURES = 50_000;
const POOL_BYTES = 32_768;
const STACK_BYTES = 4096;
const SLOT = 0;
const SECRET = new Uint8Array(32).fill(3);
const MESSAGE = new Uint8Array(MESSAGE_BYTES).fill(7);

/** The device's module under WAMR's interpreter on this machine, beside the same bytes in V8. */
export const suite: BenchSuite = {
  name: 'wamr',
  run: async (report) => {
    if (!existsSync(runnerCommand('host').program)) {
      throw new Error('build/device/host/runner is missing. Run npm run device:build first.');
    }
    const module = readFileSync(layout.module('device'));
    const signInV8 = makeV8(module);
    signInV8();
    const wamrNs: number[] = [];
    const v8Ns: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      wamrNs.push(timeWamr(module));
      v8Ns.push(timeNs(signInV8) / V8_SIGNATURES);
      // Lets Ctrl-C through between two runs.
      await new Promise(setImmediate);
    }
    const ours = round(median(wamrNs));
    const reference = round(median(v8Ns));
    report({
      name: `HMAC ${MESSAGE_BYTES} B, WAMR / V8`,
      ours,
      reference,
      ratio: round(reference / ours),
      unit: 'ns/op',
      runs: RUNS,
    });
  },
};

function makeV8(module: Uint8Array): () => void {
  const core = loadDeviceCore(module);
  const key = core.importKey(SECRET);
  const tag = new Uint8Array(32);
  return () => {
    for (let i = 0; i < V8_SIGNATURES; i++) core.signInto(key, MESSAGE, tag, 0);
  };
}

// The time of a runner that signs, without the time of one that only starts.
function timeWamr(module: Uint8Array): number {
  const run = (signatures: number) =>
    timeNs(() => {
      const answers = requireAnswers(runnerCommand('host'), [
        requests.open(POOL_BYTES, STACK_BYTES, module),
        requests.importKey(SLOT, SECRET),
        requests.signRepeatedly(SLOT, signatures, MESSAGE),
      ]);
      if (answers.some(({ status }) => status !== 0)) throw new Error('The core refused to sign under WAMR.');
    });
  return (run(WAMR_SIGNATURES + 1) - run(1)) / WAMR_SIGNATURES;
}

function timeNs(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
