import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../../../bench/processes/ports.ts';
import { requireDebianPackage } from '../../support/apt.ts';
import { eventually, route, startServer } from './server-under-test.ts';

beforeAll(async () => {
  await requireDebianPackage('nginx', 'nginx-light');
  await requireDebianPackage('openssl', 'openssl');
}, 310_000);

const CONFIGURATION = readFileSync(new URL('../../../deploy/nginx.conf', import.meta.url), 'utf8');

/** The configuration of `deploy/`, with this port and certificate, as nginx runs it in front of `serverPort`. */
async function startNginx(serverPort: number): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'yggdrasil-nginx-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  const making = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ];
  execFileSync('openssl', [...making, '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  const port = await freePort();
  const replaced = Object.entries({
    'server 127.0.0.1:8080;': `server 127.0.0.1:${serverPort};`,
    'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
    '/etc/ssl/yggdrasil/fullchain.pem': certificate,
    '/etc/ssl/yggdrasil/privatekey.pem': key,
  }).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, CONFIGURATION);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${path.join(folder, name)};`)
    .join('\n');
  const main = path.join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  writeFileSync(
    main,
    `${user}daemon off; pid ${path.join(folder, 'pid')}; error_log stderr;
events {}
http { access_log off; ${paths}
${replaced}
}
`,
  );
  const nginx = spawn('nginx', ['-c', main, '-p', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  nginx.stderr.on('data', (chunk) => {
    output += chunk;
  });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => nginx.once('close', resolve));
    nginx.kill();
    await ended;
  });
  await eventually(`nginx, which says: ${output}`, () => answers(port));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Sends `parts` one after the other, each in a segment of its own; what came back when the connection ended. */
async function exchange(port: number, parts: readonly string[], localAddress = '127.0.0.1'): Promise<string> {
  const plain = net.connect({ port, host: '127.0.0.1', localAddress });
  const socket = tls.connect({ socket: plain, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  socket.setNoDelay(true);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  for (const part of parts) {
    socket.write(Buffer.from(part, 'latin1'));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ended;
  return text;
}

const LAST = 'Host: localhost\r\nConnection: close\r\n';

async function start() {
  const served: string[] = [];
  const { port } = await startServer(
    [
      route('GET', '/who', (request) => ({
        status: 200,
        body: JSON.stringify({
          host: request.header('host'),
          client: request.remoteAddress,
          scheme: request.header('x-forwarded-proto'),
        }),
      })),
      route(
        'POST',
        '/echo',
        (request) => {
          served.push('/echo');
          return {
            status: 200,
            body: `${request.body.length} ${request.header('content-length')} ${request.header('transfer-encoding')}`,
          };
        },
        100_000,
      ),
      route('GET', '/stream', () => ({
        status: 200,
        body: (async function* () {
          for (const piece of ['one ', 'two ', 'three']) yield piece;
        })(),
      })),
      route('GET', '/smuggled', () => {
        served.push('/smuggled');
        return { status: 200 };
      }),
    ],
    [
      {
        path: '/socket',
        messageBytesMax: 1_000,
        subprotocol: 'echo',
        idleTimeoutSeconds: 10,
        backpressureBytesMax: 10_000,
        opened: (socket) => ({
          received: (message) =>
            void socket.send(Buffer.from(`${Buffer.from(message)} from ${socket.remoteAddress}`)),
          closed: () => undefined,
        }),
      },
    ],
    { trustedProxies: ['127.0.0.1'] },
  );
  return { served, port: await startNginx(port) };
}

test('the proxy of deploy/ hands on requests, bodies of any kind, streams and WebSockets', async () => {
  const { port } = await start();
  const split = await exchange(port, [
    'GET /wh',
    `o HTTP/1.1\r\nX-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: ftp\r\n${LAST}\r\n`,
  ]);
  expect(split).toContain(JSON.stringify({ host: 'localhost', client: '127.0.0.1', scheme: 'https' }));
  const spoofed = `GET /who HTTP/1.1\r\nX-Forwarded-For: 10.9.8.7\r\nForwarded: for=10.9.8.7\r\n${LAST}\r\n`;
  expect(await exchange(port, [spoofed], '127.0.0.9')).toContain('"client":"127.0.0.9"');
  expect(await exchange(port, ['GET /who HTTP/1.0\r\nHost: localhost\r\n\r\n'])).toMatch(/^HTTP\/1\.1 200 /);
  expect(await exchange(port, [`GET /stream HTTP/1.1\r\n${LAST}\r\n`])).toMatch(/one .*two .*three/s);
  const chunked = await exchange(port, [
    `POST /echo HTTP/1.1\r\n${LAST}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n`,
    '0\r\nX-A: trailer\r\n\r\n',
  ]);
  expect(chunked).toContain('5 5 undefined');
  const slow = Array.from({ length: 10 }, () => 'x'.repeat(4_000));
  expect(
    await exchange(port, [`POST /echo HTTP/1.1\r\n${LAST}Content-Length: 40000\r\n\r\n`, ...slow]),
  ).toContain('40000 40000');
  const socket = new WebSocket(`wss://127.0.0.1:${port}/socket`, 'echo', {
    rejectUnauthorized: false,
    localAddress: '127.0.0.9',
  });
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  const echoed = new Promise((resolve) => socket.once('message', resolve));
  socket.send(Buffer.from('hello'));
  expect(String(await echoed)).toBe('hello from 127.0.0.9');
}, 60_000);

test('the proxy of deploy/ lets no request through that hides another', async () => {
  const { port, served } = await start();
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const heads = [
    `Host: localhost\r\nContent-Length: 0\r\nContent-Length: ${smuggled.length}\r\n`,
    'Host: localhost\r\nContent-Length: \r\n',
    'Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Host: localhost\r\nTransfer-Encoding: xchunked\r\n',
    `Host: localhost\r\n: x\r\nContent-Length: ${smuggled.length}\r\n`,
    'Host: localhost\r\nHost: other\r\n',
    'X-A: no host\r\n',
  ];
  for (const head of heads) {
    const text = await exchange(port, [`POST /echo HTTP/1.1\r\n${head}\r\n${smuggled}`]);
    expect(text).toMatch(/^HTTP\/1\.1 (400|501) /);
  }
  expect(served).toEqual([]);
}, 60_000);
