import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort } from '../../bench/processes/ports.ts';
import { requireDebianPackage } from '../support/apt.ts';
import { makeCertificate, testFolder } from '../support/certificates.ts';
import { startServerProcess } from '../support/server-process.ts';

const run = promisify(execFile);

/** What Debian's sslscan says of a port. */
async function scan(port: number) {
  const { stdout } = await run('sslscan', ['--xml=-', '--show-certificate', `127.0.0.1:${port}`]);
  const all = (pattern: RegExp) => [...stdout.matchAll(pattern)].map((match) => match.slice(1).join(' '));
  return {
    protocols: all(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g),
    ciphers: all(/<cipher status="\w+" sslversion="([^"]+)"/g),
    weak: all(/strength="(null|anonymous|weak|medium)"/g),
    vulnerable: all(/<heartbleed sslversion="([^"]+)" vulnerable="1"/g),
    compression: all(/<compression supported="(1)"/g),
    insecureRenegotiation: all(/<renegotiation supported="1" secure="(0)"/g),
  };
}

test('HTTP and MQTT speak TLS 1.3 alone, with strong ciphers, as sslscan sees them', async () => {
  await requireDebianPackage('sslscan', 'sslscan');
  const { certificateFile, keyFile } = await makeCertificate(testFolder(), 'server');
  const data = await mkdtemp(join(tmpdir(), 'yggdrasil-tls-scan-'));
  const [http, mqtt] = [await freePort(), await freePort()];
  const server = await startServerProcess({
    YGGDRASIL_DATA_DIR: data,
    YGGDRASIL_TLS: 'files',
    YGGDRASIL_TLS_CERTIFICATE_FILE: certificateFile,
    YGGDRASIL_TLS_KEY_FILE: keyFile,
    YGGDRASIL_PORT: String(http),
    YGGDRASIL_MQTT_PORT: String(mqtt),
  });
  try {
    for (const port of [http, mqtt]) {
      const { ciphers, ...seen } = await scan(port);
      expect(seen).toEqual({
        protocols: ['tls 1.3'],
        weak: [],
        vulnerable: [],
        compression: [],
        insecureRenegotiation: [],
      });
      expect(new Set(ciphers)).toEqual(new Set(['TLSv1.3']));
    }
  } finally {
    await server.end('SIGTERM');
    await rm(data, { recursive: true, force: true });
  }
});
