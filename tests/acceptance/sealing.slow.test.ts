import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBifrostClient, createSealKey } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { launchChromium } from '../support/chromium.ts';
import { createDeviceCore } from '../support/core.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** Made of pieces, so that no file and no source has them in one. */
const word = (kind: string) => ['plaintext', 'of', kind, String(Math.floor(Math.random() * 1e12))].join('-');
const SEALED_QUESTION = word('question');
const SEALED_ANSWER = word('answer');
const CLEAR = word('nobody');

const PAGE = `
import { loadDeviceCore } from '../../assembly/host/index.ts';
import { createBifrostClient } from './index.ts';
globalThis.begin = async (url, credentials) => {
  const core = loadDeviceCore(new Uint8Array(await (await fetch('device.wasm')).arrayBuffer()));
  const client = createBifrostClient({ url, credentials, sealing: 'required' }, { core });
  client.on('command', ({ frame, arguments: args }) => {
    document.title = args.text;
    client.answer(frame, { error: null, values: { text: args.answer } });
  });
  await client.connect();
  globalThis.ask = (deviceId, text) => client.command(deviceId, 'note.read', { text }).then(({ values }) => values.text);
  globalThis.fingerprint = (deviceId) => client.peers.fingerprint(deviceId);
};`;

let directory: string;
let server: ServerProcess;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'yggdrasil-sealed-'));
  server = await startServerProcess({ YGGDRASIL_DATA_DIR: directory });
});
afterAll(async () => {
  await server?.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

async function post<Answer>(path: string, body: object, token?: string): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(server.httpUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

/** Which of the words are in the memory of a process: every page that it may write, read as it is. */
function wordsInMemory(processId: number, words: readonly string[]): string[] {
  const found = new Set<string>();
  const memory = openSync(`/proc/${processId}/mem`, 'r');
  const part = Buffer.alloc(16 * 1_048_576);
  for (const line of readFileSync(`/proc/${processId}/maps`, 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (range === null) continue;
    const [start, end] = [Number.parseInt(range[1] ?? '', 16), Number.parseInt(range[2] ?? '', 16)];
    // Parts overlap, so that no word lies across the end of one.
    for (let at = start; at < end; at += part.length - 128) {
      const count = readPart(memory, part, Math.min(part.length, end - at), at);
      for (const each of words) {
        const seen = part.subarray(0, count);
        if (seen.includes(each) || seen.includes(Buffer.from(each, 'utf16le'))) found.add(each);
      }
    }
  }
  closeSync(memory);
  return [...found];
}

/** Pages that the kernel keeps for itself can't be read. */
function readPart(memory: number, part: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, part, 0, length, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}

/** The same of all files of a folder: the database, with its log. */
function wordsInFiles(folder: string, words: readonly string[]): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const contents = paths.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path));
  return words.filter((each) => contents.some((content) => content.includes(each)));
}

it('a browser and a Node program talk, and neither memory nor database of the server has a word of it', async () => {
  const { token } = await post<{ token: string }>('/api/v1/setup', {
    code: server.setupCode,
    name: 'Administrator',
  });
  const network = await post<{ id: string }>('/api/v1/networks', { name: 'home' }, token);
  const device = async (name: string) =>
    (
      await post<{ credentials: Parameters<typeof createBifrostClient>[0]['credentials'] }>(
        '/api/v1/devices',
        { name, networkId: network.id, worldType: 'midgard' },
        token,
      )
    ).credentials;
  const [hand, page, plain] = [await device('hand'), await device('page'), await device('plain')];
  const url = `${server.webSocketUrl}/bifrost`;
  const clientOf = (credentials: typeof hand) =>
    createBifrostClient(
      { url, credentials },
      { core: createDeviceCore(), openSocket: openNodeSocket, crypto: nodeNoiseCrypto },
    );
  const client = clientOf({ ...hand, sealKey: createSealKey() });
  client.on('command', ({ frame, arguments: args }) =>
    client.answer(frame, { error: null, values: { text: `${args.text}, read` } }),
  );
  const other = clientOf(plain);
  const heard: unknown[] = [];
  client.on('event', ({ value }) => heard.push(value));
  await Promise.all([client.connect(), other.connect()]);

  const bundle = await build({
    stdin: { contents: PAGE, loader: 'ts', resolveDir: 'device/client' },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const files: Record<string, [string, string | Uint8Array]> = {
    '/': ['text/html', '<!doctype html><title>-</title><script type="module" src="page.js"></script>'],
    '/page.js': ['text/javascript', bundle.outputFiles[0]?.text ?? ''],
    '/device.wasm': ['application/wasm', readFileSync('build/device.wasm')],
  };
  const site = createServer((request, response) => {
    const [type, content] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(200, { 'content-type': type }).end(content);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await tab.waitForFunction('globalThis.begin !== undefined');
    await tab.evaluate(
      ([address, credentials]) =>
        (globalThis as unknown as { begin(url: unknown, credentials: unknown): unknown }).begin(
          address,
          credentials,
        ),
      [url, { ...page, sealKey: createSealKey() }] as const,
    );
    const { values } = await client.command(page.deviceId, 'note.write', {
      text: SEALED_QUESTION,
      answer: SEALED_ANSWER,
    });
    expect(values.text).toBe(SEALED_ANSWER);
    expect(await tab.title()).toBe(SEALED_QUESTION);
    const ask = `globalThis.ask('${hand.deviceId}', '${SEALED_QUESTION}')`;
    expect(await tab.evaluate(ask)).toBe(`${SEALED_QUESTION}, read`);
    expect(await tab.evaluate(`globalThis.fingerprint('${hand.deviceId}')`)).toBe(
      client.peers.fingerprint(page.deviceId),
    );
    // What isn't sealed is found: the search finds what is there.
    await other.publish({ name: 'note', value: CLEAR, unit: '' });
    await expect.poll(() => heard).toEqual([CLEAR]);
  } finally {
    await browser.close();
    site.close();
  }
  const words = [SEALED_QUESTION, SEALED_ANSWER, CLEAR];
  expect(wordsInMemory(server.child.pid ?? 0, words)).toEqual([CLEAR]);
  client.close();
  other.close();
  await server.end('SIGTERM');
  expect(wordsInFiles(directory, words)).toEqual([CLEAR]);
});
