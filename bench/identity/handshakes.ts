import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type BenchOptions, type BenchResult, median, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { TlsListeners } from './tls-part.ts';

const ROUNDS = 5;
const HANDSHAKES = 600;
const AT_ONCE = 8;

/** Processor time of the server for a whole handshake of TLS 1.3 (P-256, nothing resumed), beside a bare uWebSockets.js with the same certificate. */
export async function compareHandshakes(
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-tls-'));
  const [ours, bare] = [0, 1].map(() => startPart<TlsListeners>('tls-handshakes', 'server'));
  if (ours === undefined || bare === undefined) throw new Error('no parts');
  try {
    const files = makeCertificate(folder);
    const sides = [
      { part: ours, port: await ours.call('listen', files), figures: [] as number[] },
      { part: bare, port: await bare.call('listenBare', files), figures: [] as number[] },
    ] as const;
    const handshakes = quick ? HANDSHAKES / 10 : HANDSHAKES;
    for (let count = quick ? 2 : ROUNDS + 1; count > 0; count--) {
      for (const { part, port, figures } of sides) {
        const before = part.cpuSeconds();
        await shakeHands(port, handshakes);
        figures.push(((part.cpuSeconds() - before) * 1e6) / handshakes);
      }
    }
    const [our, reference] = sides.map(({ figures }) => median(figures.slice(1))) as [number, number];
    report({
      name: 'tls-handshake',
      ours: round(our),
      reference: round(reference),
      ratio: round(reference / our),
      unit: 'us',
      runs: sides[0].figures.length - 1,
      note: "the server's processor time",
    });
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeCertificate(folder: string) {
  const files = { certificateFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const out = ['-keyout', files.keyFile, '-out', files.certificateFile];
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...key, ...out],
    { stdio: 'pipe' },
  );
  return files;
}

async function shakeHands(port: number, count: number): Promise<void> {
  let left = count;
  const some = async () => {
    while (left-- > 0) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
        socket.once('error', reject);
        socket.once('secureConnect', () => {
          socket.destroy();
          resolve();
        });
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}
