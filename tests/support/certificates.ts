import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

/** Makes a certificate for `name` that an authority of `makeCertificate` issues; `days` below 0: it has ended; without `purpose` it is for anything. */
export function issueCertificate(
  folder: string,
  authority: CertificateFiles,
  name: string,
  {
    days = 30,
    key = 'ec',
    purpose,
  }: { days?: number; key?: 'ec' | 'ed25519' | 'rsa'; purpose?: 'clientAuth' | 'serverAuth' } = {},
): CertificateFiles {
  const files = { certificateFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  const request = join(folder, `${name}.csr`);
  const run = (...given: string[]) => execFileSync('openssl', given, { stdio: 'pipe' });
  const kinds = {
    ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ed25519: ['ed25519'],
    rsa: ['rsa:2048'],
  };
  run(
    ...['req', '-new', '-nodes', '-subj', `/CN=${name}`, '-newkey', ...kinds[key]],
    ...['-keyout', files.keyFile, '-out', request],
  );
  const extensions = join(folder, `${name}.ext`);
  writeFileSync(extensions, purpose === undefined ? '' : `extendedKeyUsage = ${purpose}\n`);
  run(
    ...[
      'x509',
      '-req',
      '-extfile',
      extensions,
      '-in',
      request,
      '-CA',
      authority.certificateFile,
      '-CAkey',
      authority.keyFile,
    ],
    ...['-CAcreateserial', '-days', String(days), '-out', files.certificateFile],
  );
  return files;
}
