import { type BenchSuite, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { DirectPart } from './direct-part.ts';

const ROUNDS = 4;
/** A part of something large. */
const PAYLOAD_BYTES = 49_152;

/** What a direct path carries in a second, each frame signed and confirmed, beside a bare TLS socket. */
export const measureDirect: BenchSuite['run'] = async (report, { seconds, quick }) => {
  const part = startPart<DirectPart>('direct', 'server');
  try {
    const rounds = quick ? 1 : ROUNDS;
    const [ours, reference]: [number[], number[]] = [[], []];
    const run = { seconds, payloadBytes: PAYLOAD_BYTES };
    for (let count = 0; count < rounds; count++) {
      ours.push((await part.call('runOurs', run)) / 1e6);
      reference.push((await part.call('runReference', run)) / 1e6);
    }
    report({
      name: 'direct',
      ours: round(Math.max(...ours)),
      reference: round(Math.max(...reference)),
      ratio: round(Math.max(...ours) / Math.max(...reference)),
      unit: 'MB/s',
      runs: rounds,
      note: `frames of ${PAYLOAD_BYTES} bytes; both ends share a process`,
    });
  } finally {
    await part.stop();
  }
};
