import { request } from 'node:http';
import type { BenchOptions, BenchResult } from '../harness.ts';
import { cpuResult, rateResult, saturateBoth } from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import { startPart } from '../processes/part.ts';
import type { Product } from '../processes/product.ts';
import type { BareFile, BareStatic } from '../references/bare-static.ts';

/** One request at a time on each: browsers ask so. */
const CONNECTIONS = 10;
/** As a browser asks: for HTML, and compressed. */
const ASKED = { accept: 'text/html,*/*;q=0.8', 'accept-encoding': 'gzip, br' };
/** What uWebSockets.js writes by itself. */
const WRITTEN_ANYWAY = new Set(['content-length', 'date', 'connection', 'uwebsockets', 'transfer-encoding']);

/** The page's HTML and its script beside a bare uWebSockets.js server with the same answers in memory. */
export async function compareFiles(
  product: Product,
  report: (result: BenchResult) => void,
  options: BenchOptions,
): Promise<void> {
  const origin = `http://127.0.0.1:${product.port}`;
  const html = await (await fetch(`${origin}/`, { headers: ASKED })).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1];
  if (script === undefined) throw new Error('the page names no script');
  const paths = { html: '/', script };
  const bare = startPart<BareStatic>('bare-static', 'server');
  const load = startPart<Load>('load', 'load');
  try {
    const files = await Promise.all(Object.values(paths).map((path) => answerOf(origin, path)));
    const barePort = await bare.call('listen', files);
    for (const [name, path] of Object.entries(paths)) {
      const ours = { serverProcessId: product.processId, lanes: lanesTo(product.port, path) };
      const reference = { serverProcessId: bare.processId, lanes: lanesTo(barePort, path) };
      const rounds = await saturateBoth(load, ours, reference, options, 1);
      report(rateResult(`page-${name}`, rounds));
      report(cpuResult(`page-${name}-cpu`, rounds));
    }
  } finally {
    await Promise.all([load.stop(), bare.stop()]);
  }
}

const lanesTo = (port: number, path: string): LaneSpec[] =>
  Array.from({ length: CONNECTIONS }, () => ({
    source: { kind: 'http', port, path, token: null, headers: ASKED },
    sink: { kind: 'away' },
    messageBytes: 0,
    progress: 'acknowledged',
  }));

/** What our server answers, byte for byte: Node's own client would unpack it. */
function answerOf(origin: string, path: string): Promise<BareFile> {
  return new Promise((resolve, reject) => {
    const asked = request(`${origin}${path}`, { headers: ASKED }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const headers = Object.entries(response.headersDistinct)
          .filter(([name]) => !WRITTEN_ANYWAY.has(name))
          .map(([name, values]) => [name, values?.join(', ') ?? ''] as const);
        resolve({ path, headers: Object.fromEntries(headers), body: Buffer.concat(pieces) });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
