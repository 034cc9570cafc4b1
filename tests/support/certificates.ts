import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CertificateFiles } from '../../server/platform/tls/certificate.ts';
import { requireDebianPackage } from './apt.ts';

/** A folder that is gone when the test ends. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a certificate for this machine that vouches for itself: `<name>.crt` and `<name>.key` in the folder. */
export async function makeCertificate(
  folder: string,
  name: string,
  {
    days = 30,
    key = 'ec',
    names = 'DNS:localhost,IP:127.0.0.1',
  }: { days?: number; key?: 'ec' | 'rsa'; names?: string } = {},
): Promise<CertificateFiles> {
  await requireDebianPackage('openssl', 'openssl');
  const files = { certificateFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-nodes', '-days', String(days), '-subj', `/CN=${name}`],
      ...(key === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', 'rsa:2048']),
      ...['-addext', `subjectAltName=${names}`],
      ...['-keyout', files.keyFile, '-out', files.certificateFile],
    ],
    { stdio: 'pipe' },
  );
  return files;
}
