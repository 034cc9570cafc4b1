import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { StartError } from '../../kernel/start-error.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateFiles,
  checkCertificate,
  type Tls,
  type TlsVersion,
} from './certificate.ts';
import { EXPIRY_WARNING_INTERVAL_MS, EXPIRY_WARNING_MS, FILES_INTERVAL_MS } from './limits.ts';

const operation = 'tls.certificate';

/** A certificate in files that somebody else renews. */
export interface TlsFromFiles extends Tls {
  /** Reads the files and from then on watches them. Rejects with StartError where they can't be used. */
  start(): Promise<void>;
  stop(): void;
}

/**
 * Reads the files again and again instead of being told by the system, which doesn't know of changes behind symbolic links
 * and on other machines' disks. Files that can't be used, half written or expired, change nothing: the certificate that
 * was there goes on, and the log says once what is wrong.
 */
export function createTlsFromFiles(
  options: CertificateFiles & { readonly versionMin: TlsVersion },
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): TlsFromFiles {
  const { versionMin, ...files } = options;
  const listeners: (() => void)[] = [];
  let certificate: Certificate | null = null;
  let complaint: string | null = null;
  const warnOfExpiry = createExpiryWarning({ clock, logger });
  let cancel: () => void = () => {};
  let stopped = false;

  const current = (): Certificate => readAlready(certificate);

  const complainOnce = (problem: string) => {
    if (complaint !== problem) logger.error({ operation, problem }, 'a new certificate is not used');
    complaint = problem;
  };

  const look = async () => {
    const next = await readCertificateFiles(files);
    const { certificatePem, keyPem } = current();
    if (next.certificatePem === certificatePem && next.keyPem === keyPem) {
      complaint = null;
      return;
    }
    if (next.expiresAtMs <= clock.nowMs()) throw new CertificateError(`${files.certificateFile} has expired`);
    const before = current();
    certificate = next;
    try {
      for (const changed of listeners) changed();
    } catch (error) {
      certificate = before;
      throw error;
    }
    complaint = null;
    logger.info({ operation, expiresAt: new Date(next.expiresAtMs).toISOString() }, 'a new certificate');
  };

  const watch = () => {
    cancel = clock.after(FILES_INTERVAL_MS, async () => {
      await look().catch((error: unknown) => complainOnce(reasonOf(error)));
      warnOfExpiry(current());
      if (!stopped) watch();
    });
  };

  return {
    versionMin,
    current,
    whenRenewed: (changed) => listeners.push(changed),
    async start() {
      try {
        certificate = await readCertificateFiles(files);
      } catch (error) {
        throw new StartError(
          `The certificate can't be used: ${reasonOf(error)}. Set YGGDRASIL_TLS_CERTIFICATE_FILE and YGGDRASIL_TLS_KEY_FILE to PEM files that belong together.`,
          error,
        );
      }
      warnOfExpiry(current());
      watch();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

function readAlready(certificate: Certificate | null): Certificate {
  if (certificate === null) throw new InvariantError('the certificate is asked for before it is read');
  return certificate;
}

/** Tells once a day, and at once of another certificate. */
function createExpiryWarning({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
  let warned: { readonly certificate: Certificate; readonly atMs: number } | null = null;
  return (certificate: Certificate) => {
    const { expiresAtMs } = certificate;
    if (expiresAtMs - clock.nowMs() > EXPIRY_WARNING_MS) return;
    const atMs = clock.monotonicMs();
    if (warned?.certificate === certificate && atMs - warned.atMs < EXPIRY_WARNING_INTERVAL_MS) return;
    warned = { certificate, atMs };
    const expiresAt = new Date(expiresAtMs).toISOString();
    if (expiresAtMs <= clock.nowMs()) logger.error({ operation, expiresAt }, 'the certificate has expired');
    else logger.warn({ operation, expiresAt }, 'the certificate expires soon');
  };
}

/** The certificate, in PEM, of an authority that issues those of clients; null without a file. Rejects with StartError where it is none. */
export async function readClientAuthority(file: string | undefined): Promise<string | null> {
  if (file === undefined) return null;
  try {
    const pem = await readFile(file, 'latin1');
    if (new X509Certificate(pem).ca) return pem;
  } catch (error) {
    throw new StartError(`The clients' authority can't be read: ${reasonOf(error)}.`, error);
  }
  throw new StartError(`${file} holds no certificate that may issue others.`);
}

async function readCertificateFiles(files: CertificateFiles): Promise<Certificate> {
  const [certificatePem, keyPem] = await Promise.all([
    readFile(files.certificateFile, 'latin1'),
    readFile(files.keyFile, 'latin1'),
  ]);
  return checkCertificate(files, { certificatePem, keyPem });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
