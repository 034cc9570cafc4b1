import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import { connectAsync, connect as connectMqtt } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import type { TlsVersion } from '../../../server/platform/tls/certificate.ts';
import { createTlsFromFiles, type TlsFromFiles } from '../../../server/platform/tls/certificate-files.ts';
import { FILES_INTERVAL_MS } from '../../../server/platform/tls/limits.ts';
import { requireDebianPackage } from '../../support/apt.ts';
import { issueCertificate, makeCertificate, testFolder } from '../../support/certificates.ts';
import { FakeClock } from '../../support/clock.ts';
import { startBroker } from '../mqtt/server-under-test.ts';
import { connectRaw, eventually, keepingLogger, route, startServer } from './server-under-test.ts';

interface Setting {
  readonly clock: FakeClock;
  readonly logger: ReturnType<typeof keepingLogger>;
  readonly tls: TlsFromFiles;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Puts this certificate and key in place of those that are used. */
  install(name: string): Promise<void>;
  /** Lets the files be looked at. */
  look(): void;
}

/** A certificate `first` in use, behind files that can be changed. */
async function setUp({ versionMin = '1.3' as TlsVersion } = {}): Promise<Setting> {
  const folder = testFolder();
  const used = { certificateFile: join(folder, 'used.crt'), keyFile: join(folder, 'used.key') };
  const install = async (name: string) => {
    const made = await makeCertificate(folder, name);
    copyFileSync(made.certificateFile, used.certificateFile);
    copyFileSync(made.keyFile, used.keyFile);
  };
  await install('first');
  const clock = new FakeClock(createSystemClock().nowMs());
  const logger = keepingLogger();
  const tls = createTlsFromFiles({ ...used, versionMin }, { clock, logger });
  await tls.start();
  onTestFinished(() => tls.stop());
  return { ...used, clock, logger, tls, install, look: () => clock.advance(FILES_INTERVAL_MS) };
}

/** The name in the certificate that is shown, and the version that was agreed on. */
function shakeHands(port: number, version: { maxVersion?: SecureVersion } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...version });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(`${socket.getPeerCertificate().subject.CN} ${socket.getProtocol()}`);
      socket.destroy();
    });
  });
}

/** CONNECT of MQTT 3.1.1 with this name and the password `secret`. */
function mqttConnect(name: string): Buffer {
  const text = (value: string) => Buffer.from([0, value.length, ...Buffer.from(value)]);
  const head = Buffer.from([...text('MQTT'), 4, 0b1100_0010, 0, 60]);
  const body = Buffer.concat([head, text(name), text(name), text('secret')]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

const hello = route('GET', '/hello', () => ({ status: 200, headers: {}, body: 'hello' }));

/** Asks with a certificate that is trusted as a client would trust it, and gives the answer's text. */
function ask(port: number, certificateFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: 'localhost', port, path: '/hello', ca: readFileSync(certificateFile), agent: false },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve(text));
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

describe('TLS with a certificate from files', () => {
  test('serves HTTP over TLS 1.3, and no older version', async () => {
    const { tls, certificateFile } = await setUp();
    const { port } = await startServer([hello], [], { tls });
    expect(await ask(port, certificateFile)).toBe('hello');
    expect(await shakeHands(port)).toBe('first TLSv1.3');
    await expect(shakeHands(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  test('serves TLS 1.2 where that is wanted, also with an RSA key', async () => {
    const { tls } = await setUp({ versionMin: '1.2' });
    const { port } = await startServer([hello], [], { tls });
    expect(await shakeHands(port, { maxVersion: 'TLSv1.2' })).toBe('first TLSv1.2');
    const rsa = await makeCertificate(testFolder(), 'rsa', { key: 'rsa' });
    const logger = keepingLogger();
    const other = createTlsFromFiles({ ...rsa, versionMin: '1.2' }, { clock: new FakeClock(), logger });
    await other.start();
    const second = await startServer([hello], [], { tls: other });
    expect(await shakeHands(second.port, { maxVersion: 'TLSv1.2' })).toBe('rsa TLSv1.2');
    expect(await shakeHands(second.port)).toBe('rsa TLSv1.3');
    await expect(shakeHands(second.port, { maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });

  test('serves MQTT over TLS 1.3, and no older version', async () => {
    const { tls, certificateFile } = await setUp();
    const { port, seen } = await startBroker({ tls });
    const client = await connectAsync(`mqtts://localhost:${port}`, {
      ca: readFileSync(certificateFile),
      username: 'ann',
      password: 'secret',
      clientId: 'ann',
      reconnectPeriod: 0,
    });
    await client.publishAsync('ann/up', 'over TLS', { qos: 1 });
    await client.endAsync();
    expect(seen.published).toEqual([{ client: 'ann', topic: 'ann/up', payload: 'over TLS' }]);
    await expect(shakeHands(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  test('asks clients of MQTT for a certificate of an authority, where one is named, and reads nothing of others', async () => {
    const { tls, certificateFile } = await setUp();
    const folder = testFolder();
    const [authority, imposter] = [
      await makeCertificate(folder, 'authority'),
      await makeCertificate(folder, 'imposter'),
    ];
    const clientAuthority = readFileSync(authority.certificateFile, 'utf8');
    const { port, seen } = await startBroker({ tls, clientAuthority });
    const connectWith = (shown: { certificateFile: string; keyFile: string } | null) =>
      new Promise<string>((resolve) => {
        const client = connectMqtt(`mqtts://localhost:${port}`, {
          ca: readFileSync(certificateFile),
          ...(shown === null
            ? {}
            : { cert: readFileSync(shown.certificateFile), key: readFileSync(shown.keyFile) }),
          username: 'ann',
          password: 'secret',
          clientId: 'ann',
          reconnectPeriod: 0,
        });
        client.once('connect', () => {
          resolve('let in');
          client.end(true);
        });
        client.once('error', () => resolve('refused'));
        client.once('close', () => resolve('refused'));
      });
    for (const refused of [
      null,
      issueCertificate(folder, imposter, 'forged'),
      issueCertificate(folder, authority, 'ended', { days: -1 }),
      issueCertificate(folder, authority, 'server', { purpose: 'serverAuth' }),
      imposter,
    ])
      expect(await connectWith(refused)).toBe('refused');
    expect(seen.events).toEqual([]);
    const right = issueCertificate(folder, authority, 'right', { purpose: 'clientAuth' });
    expect(await connectWith(right)).toBe('let in');
    expect(await connectWith(issueCertificate(folder, authority, 'plain'))).toBe('let in');
    // Another program than ours, with the same certificate.
    await requireDebianPackage('mosquitto_pub', 'mosquitto-clients');
    const files = ['--cafile', certificateFile, '--cert', right.certificateFile, '--key', right.keyFile];
    const to = ['-h', 'localhost', '-p', String(port), '-q', '1', '-t', 'ann/up', '-m', 'certified'];
    await promisify(execFile)('mosquitto_pub', [...files, ...to, '-u', 'ann', '-P', 'secret', '-i', 'ann']);
    expect(seen.published).toMatchObject([{ client: 'ann', payload: 'certified' }]);
    expect(await ask((await startServer([hello], [], { tls })).port, certificateFile)).toBe('hello');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a client of MQTT with a certificate comes back to its session of %s',
    async (version) => {
      const { tls } = await setUp({ versionMin: '1.2' });
      const folder = testFolder();
      const authority = await makeCertificate(folder, 'authority');
      const right = issueCertificate(folder, authority, 'right');
      const clientAuthority = readFileSync(authority.certificateFile, 'utf8');
      const { port } = await startBroker({ tls, clientAuthority });
      const greet = (session?: Buffer) =>
        new Promise<{ session: Buffer; isReused: boolean }>((resolve, reject) => {
          const socket = connect({
            ...{ port, host: '127.0.0.1', rejectUnauthorized: false, session },
            ...{ minVersion: version, maxVersion: version },
            ...{ cert: readFileSync(right.certificateFile), key: readFileSync(right.keyFile) },
          });
          socket.once('error', reject);
          socket.once('secureConnect', () => socket.write(mqttConnect('ann')));
          // CONNACK: by then its session has come.
          socket.once('data', () => {
            resolve({ session: socket.getSession() as Buffer, isReused: socket.isSessionReused() });
            socket.destroy();
          });
        });
      const { session, isReused } = await greet();
      expect(isReused).toBe(false);
      expect((await greet(session)).isReused).toBe(true);
    },
  );

  test('a client that speaks no TLS is cut off, by HTTP and MQTT, and others are served', async () => {
    const { tls, certificateFile } = await setUp();
    const { port } = await startServer([hello], [], { tls });
    const plain = await connectRaw(port, 'GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await eventually('the end of the HTTP client', plain.closed);
    expect(plain.text()).not.toContain('hello');
    expect(await ask(port, certificateFile)).toBe('hello');
    const broker = await startBroker({ tls });
    const connectPacket = await connectRaw(broker.port, mqttConnect('ann'));
    await eventually('the end of the MQTT client', connectPacket.closed);
    expect(broker.seen.events).toEqual([]);
    expect(await shakeHands(broker.port)).toBe('first TLSv1.3');
  });

  test('shows a new certificate to who comes then, without SNI too, and keeps the WebSockets that are open', async () => {
    const { tls, install, look, logger, certificateFile } = await setUp();
    const echo = {
      path: '/echo',
      subprotocol: 'echo',
      messageBytesMax: 1_000,
      backpressureBytesMax: 1_000,
      idleTimeoutSeconds: 60,
      opened: (socket: { send(message: Uint8Array): unknown }) => ({
        received: (message: Uint8Array) => void socket.send(message.slice()),
        closed: () => {},
      }),
    };
    const { port } = await startServer([hello], [echo], { tls });
    const broker = await startBroker({ tls });
    const open = async () => {
      const socket = new WebSocket(`wss://localhost:${port}/echo`, 'echo', {
        ca: readFileSync(certificateFile),
      });
      onTestFinished(() => socket.terminate());
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    };
    const sayBack = (socket: WebSocket, text: string) =>
      new Promise((resolve) => {
        socket.once('message', (data) => resolve(String(data)));
        socket.send(text);
      });
    const early = await open();
    await install('second');
    look();
    await eventually('the new certificate', () =>
      logger.lines.some(({ message }) => message === 'a new certificate'),
    );
    expect(await shakeHands(port)).toBe('second TLSv1.3');
    expect(await shakeHands(broker.port)).toBe('second TLSv1.3');
    expect(await sayBack(early, 'still here')).toBe('still here');
    expect(await sayBack(await open(), 'new here')).toBe('new here');
  });

  test('ends the WebSockets of every certificate when it closes', async () => {
    const { tls, install, look, logger, certificateFile } = await setUp();
    const silent = {
      path: '/silent',
      subprotocol: 'silent',
      messageBytesMax: 1_000,
      backpressureBytesMax: 1_000,
      idleTimeoutSeconds: 60,
      opened: () => ({ received: () => {}, closed: () => {} }),
    };
    const { port, server } = await startServer([], [silent], { tls });
    const open = async () => {
      const socket = new WebSocket(`wss://localhost:${port}/silent`, 'silent', {
        ca: readFileSync(certificateFile),
      });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return { ended: new Promise((resolve) => socket.once('close', resolve)) };
    };
    const early = await open();
    await install('second');
    look();
    await eventually('the new certificate', () => logger.lines.some(({ level }) => level === 'info'));
    const late = await open();
    await server.close();
    expect(await Promise.all([early.ended, late.ended])).toEqual([1001, 1001]);
    await expect(shakeHands(port)).rejects.toThrow();
  });

  test.each<[string, (setting: Setting) => Promise<void> | void, RegExp]>([
    [
      'whose key has not been replaced yet',
      async ({ certificateFile }) => {
        const other = await makeCertificate(testFolder(), 'other');
        copyFileSync(other.certificateFile, certificateFile);
      },
      /is not that of/,
    ],
    [
      'that is half written',
      ({ certificateFile }) => writeFileSync(certificateFile, readFileSync(certificateFile).subarray(0, 200)),
      /holds no certificate/,
    ],
    [
      'that is broken inside',
      ({ certificateFile }) =>
        writeFileSync(certificateFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      /can't be read/,
    ],
    ['whose key is empty', ({ keyFile }) => writeFileSync(keyFile, ''), /no private key/],
    ['that is gone', ({ keyFile }) => renameSync(keyFile, `${keyFile}.away`), /ENOENT/],
    [
      'that has expired',
      async ({ install, clock }) => {
        await install('short');
        clock.advance(60 * 86_400_000);
      },
      /has expired/,
    ],
  ])('a new certificate %s changes nothing, and the log says once why', async (_name, spoil, problem) => {
    const setting = await setUp();
    const { port } = await startServer([hello], [], { tls: setting.tls });
    await spoil(setting);
    const complaints = () => setting.logger.lines.filter(({ fields }) => 'problem' in fields);
    setting.look();
    await eventually('the complaint', () => complaints().length > 0);
    for (let round = 0; round < 3; round++) {
      setting.look();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(complaints().map(({ fields }) => fields.problem)).toEqual([expect.stringMatching(problem)]);
    expect(await shakeHands(port)).toBe('first TLSv1.3');
    if (setting.clock.nowMs() > createSystemClock().nowMs() + 86_400_000) return;
    // Once both are right they are used.
    await setting.install('mended');
    await eventually('the mended certificate', async () => {
      setting.look();
      // What knocks in the instant in which the listener changes is refused.
      return (await shakeHands(port).catch(() => '')) === 'mended TLSv1.3';
    });
  });

  test('warns once a day of a certificate that expires soon, and says when it has', async () => {
    const { clock, logger, look } = await setUp();
    const told = () => logger.lines.filter(({ message }) => /expire/.test(message)).map(({ level }) => level);
    expect(told()).toEqual([]);
    clock.advance(20 * 86_400_000);
    await eventually('the first warning', () => told().length === 1);
    look();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told()).toEqual(['warn']);
    clock.advance(20 * 86_400_000);
    await eventually('the error', () => told().includes('error'));
  });

  test.each([
    ['without a certificate', 'missing.crt', /certificate can't be used: ENOENT/],
    ['with a key of something else', 'other.key', /is not that of/],
  ])('does not start %s', async (_name, wrong, message) => {
    const folder = testFolder();
    const files = await makeCertificate(folder, 'one');
    await makeCertificate(folder, 'other');
    const changed = wrong.endsWith('.key')
      ? { ...files, keyFile: join(folder, wrong) }
      : { ...files, certificateFile: join(folder, wrong) };
    const tls = createTlsFromFiles(
      { ...changed, versionMin: '1.3' },
      { clock: new FakeClock(), logger: keepingLogger() },
    );
    await expect(tls.start()).rejects.toThrow(message);
  });
});
