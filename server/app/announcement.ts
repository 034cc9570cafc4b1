import { type Config, endsTls } from '../config/index.ts';
import { isLoopback } from '../kernel/network-address.ts';
import { createAnnouncer } from '../platform/mdns/announcer.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

/**
 * Tells the local network of the server. Nothing stands in it that tells of a tenant, a network or a device: whoever is in the same
 * network reads it.
 */
export function announcementPart(
  config: Config,
  { logger }: Pick<Platform, 'logger'>,
  ports: { readonly http: number; readonly mqtt: number },
): Part {
  const announcer = config.mdns === 'on' ? createAnnouncer(config, { logger }) : null;
  return {
    name: 'announcement',
    async start() {
      announcer?.start({ port: ports.http, values: announcedValues(config, ports) });
    },
    stop: async () => announcer?.stop(),
  };
}

/** As docs/discovery.md says. */
function announcedValues(
  config: Config,
  { mqtt }: { readonly mqtt: number },
): Readonly<Record<string, string>> {
  const [domain] = config.tls === 'acme' ? config.tlsDomains : [];
  const url =
    config.publicUrl ?? (domain === undefined ? null : `https://${domain}${portSuffix(config.port)}`);
  return {
    v: '1',
    tls: config.tls === 'proxy' || endsTls(config) ? '1' : '0',
    ...(url === null || url.length > URL_CHARACTERS_MAX ? {} : { url }),
    ...(isLoopback(config.mqttHost) ? {} : { mqtt: String(mqtt), mqtts: endsTls(config) ? '1' : '0' }),
  };
}

const HTTPS_PORT = 443;
/** A value of a TXT record has 255 bytes at most, with its name. */
const URL_CHARACTERS_MAX = 250;

const portSuffix = (port: number): string => (port === HTTPS_PORT || port === 0 ? '' : `:${port}`);
