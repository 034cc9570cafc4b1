import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { StartError } from '../../../kernel/start-error.ts';
import { makeFolder, writeWhole } from '../../files/durable.ts';
import { checkCertificate, type Tls, type TlsVersion } from '../certificate.ts';
import { createTlsFromFiles } from '../certificate-files.ts';
import { ORDER_INTERVAL_MS, ORDER_WAIT_MAX_MS, ORDER_WAIT_MS } from '../limits.ts';
import type { ChallengeServer } from './challenge-server.ts';
import type { OrderCertificate } from './orders.ts';

const operation = 'tls.acme';

/** A certificate that the server gets and renews by itself. */
export interface TlsFromAcme extends Tls {
  /** Orders a certificate if there is none. Rejects with StartError where the authority gives none. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface AcmeOptions {
  /** Folder for the certificate with its key, and for when an order failed. Made when it is missing. */
  readonly folder: string;
  readonly domains: readonly string[];
  readonly versionMin: TlsVersion;
}

interface AcmeServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly order: OrderCertificate;
  readonly challenges: ChallengeServer;
}

/**
 * A certificate that the server gets by itself. It is renewed when a third of its time is left, and ordered anew for other
 * names. An order that fails is tried again after a growing time, also over a restart: authorities lock out who asks too
 * often, and a supervisor that starts the server again and again would.
 */
export function createTlsFromAcme(options: AcmeOptions, services: AcmeServices): TlsFromAcme {
  const { folder, domains, versionMin } = options;
  const { clock, logger, order, challenges } = services;
  // One file: a key is never seen beside the certificate of another one.
  const file = `${folder}/certificate-and-key.pem`;
  const failures = createFailures(`${folder}/failures.json`, clock);
  const files = createTlsFromFiles({ certificateFile: file, keyFile: file, versionMin }, { clock, logger });
  let cancel = () => {};
  let stopped = false;

  /** Orders a certificate where that is due. Resolves with what is in the way, or null. */
  const renewIfDue = async (): Promise<string | null> => {
    if (!isDue(readKept(file), domains, clock.nowMs())) return null;
    const retryAtMs = failures.retryAtMs();
    if (retryAtMs > clock.nowMs()) return failures.describe(retryAtMs);
    try {
      const { certificatePem, keyPem } = await order({
        domains,
        answer: challenges.answer,
        forget: challenges.forget,
      });
      const pem = `${keyPem.trim()}\n${certificatePem.trim()}\n`;
      checkCertificate({ certificateFile: file, keyFile: file }, { certificatePem: pem, keyPem: pem });
      writeWhole(file, pem, { mode: 0o600 });
      failures.clear();
      logger.info({ operation, domains }, 'a certificate was given by the authority');
      return null;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const next = failures.count(problem);
      logger.error({ operation, domains, problem, retryAt: new Date(next).toISOString() }, 'no certificate');
      return problem;
    }
  };

  const watch = () => {
    cancel = clock.after(ORDER_INTERVAL_MS, async () => {
      await renewIfDue();
      if (!stopped) watch();
    });
  };

  return {
    ...files,
    async start() {
      makeFolder(folder, 0o700);
      await challenges.start();
      const problem = await renewIfDue();
      if (problem !== null && !isUsable(readKept(file), domains, clock.nowMs())) {
        throw new StartError(
          `There is no certificate for ${domains.join(', ')}: ${problem}. The names must lead to this server from the internet, and port 80 there to YGGDRASIL_ACME_HTTP_PORT.`,
        );
      }
      await files.start();
      watch();
    },
    async stop() {
      stopped = true;
      cancel();
      files.stop();
      await challenges.stop();
    },
  };
}

/** The certificate that lies there; null where there is none that can be read with its key. */
function readKept(file: string): X509Certificate | null {
  try {
    const pem = readFileSync(file, 'latin1');
    checkCertificate({ certificateFile: file, keyFile: file }, { certificatePem: pem, keyPem: pem });
    return new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')));
  } catch {
    return null;
  }
}

/** A certificate for all of these names that has not expired. */
function isUsable(
  certificate: X509Certificate | null,
  domains: readonly string[],
  nowMs: number,
): certificate is X509Certificate {
  return (
    certificate !== null &&
    Date.parse(certificate.validTo) > nowMs &&
    domains.every((domain) => certificate.checkHost(domain) !== undefined)
  );
}

/** True where another certificate is wanted: less than a third of this one's time is left, or it can't be used. */
function isDue(certificate: X509Certificate | null, domains: readonly string[], nowMs: number): boolean {
  if (!isUsable(certificate, domains, nowMs)) return true;
  const endMs = Date.parse(certificate.validTo);
  return endMs - nowMs < (endMs - Date.parse(certificate.validFrom)) / 3;
}

const failuresSchema = z.object({ count: z.int().min(1), retryAtMs: z.number(), problem: z.string() });

/** How often orders failed in a row, in a file. */
function createFailures(file: string, clock: Clock) {
  const read = () => {
    try {
      return failuresSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      return null;
    }
  };
  return {
    /** 0: at once. Never further away than the longest wait, whatever the clock said when it was written. */
    retryAtMs: () => Math.min(read()?.retryAtMs ?? 0, clock.nowMs() + ORDER_WAIT_MAX_MS),
    /** One more, for this reason. Gives when the next try may be, in milliseconds since 1970. */
    count(problem: string): number {
      const count = Math.min((read()?.count ?? 0) + 1, 30);
      const retryAtMs = clock.nowMs() + Math.min(ORDER_WAIT_MS * 2 ** (count - 1), ORDER_WAIT_MAX_MS);
      writeWhole(file, `${JSON.stringify({ count, retryAtMs, problem })}\n`, { mode: 0o600 });
      return retryAtMs;
    },
    describe: (retryAtMs: number) =>
      `${read()?.problem ?? 'the last order failed'} (the next try is at ${new Date(retryAtMs).toISOString()}; remove ${file} and start the server to try at once)`,
    clear: () => rmSync(file, { force: true }),
  };
}
