import type { Config } from '../config/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { createChallengeServer } from '../platform/tls/acme/challenge-server.ts';
import { createAcmeOrders } from '../platform/tls/acme/orders.ts';
import { createTlsFromAcme, type TlsFromAcme } from '../platform/tls/acme/tls-from-acme.ts';
import { createTlsFromFiles, type TlsFromFiles } from '../platform/tls/certificate-files.ts';
import type { Part } from './lifecycle.ts';

const HTTPS_PORT = 443;

/** The certificate that the server shows; null where it doesn't end TLS itself. */
export function createTls(
  config: Config,
  dataDirectory: string,
  services: { readonly clock: Clock; readonly logger: Logger },
): TlsFromFiles | TlsFromAcme | null {
  const { tlsVersionMin: versionMin, tlsDomains: domains } = config;
  if (config.tls === 'files') {
    const files = { certificateFile: config.tlsCertificateFile ?? '', keyFile: config.tlsKeyFile ?? '' };
    return createTlsFromFiles({ ...files, versionMin }, services);
  }
  if (config.tls !== 'acme') return null;
  const folder = `${dataDirectory}/tls`;
  const portText = config.port === HTTPS_PORT ? '' : `:${config.port}`;
  return createTlsFromAcme(
    { folder, domains, versionMin },
    {
      ...services,
      order: createAcmeOrders({
        directoryUrl: config.acmeDirectory,
        email: config.acmeEmail,
        accountKeyFile: `${folder}/account-key.pem`,
      }),
      challenges: createChallengeServer({
        host: config.host,
        port: config.acmeHttpPort,
        domains,
        originOf: (name) => config.publicUrl ?? `https://${name}${portText}`,
      }),
    },
  );
}

/** The certificate of the listeners, where the server ends TLS. */
export function tlsPart({ tls }: { readonly tls: TlsFromFiles | TlsFromAcme | null }): Part {
  return {
    name: 'tls',
    start: async () => tls?.start(),
    stop: async () => tls?.stop(),
  };
}
