import { isIPv6 } from 'node:net';
import { Bonjour, type Service } from 'bonjour-service';

/** A server that says in the local network that it is there. That it says so is no proof: its certificate is. */
export interface FoundServer {
  readonly name: string;
  /** Where it is reached by HTTP and WebSocket. */
  readonly url: string;
  /** Where devices reach it by MQTT; null: nowhere from here. */
  readonly mqttUrl: string | null;
  /** All addresses that it gives, IPv4 first. */
  readonly addresses: readonly string[];
}

type HeardService = Pick<Service, 'name' | 'port' | 'txt' | 'addresses'> & {
  /** Where it was heard from. */
  readonly referer?: { readonly address: string } | undefined;
};

const TYPE = 'yggdrasil';
/** Whoever is in the network can announce as many as it likes. */
const SERVERS_MAX = 100;
const NAME_CHARACTERS_MAX = 255;
/** RFC 6762 section 3. */
const MDNS_PORT = 5_353;

/** Servers that the local network tells of within `waitMs`, by multicast DNS. Rejects where it can't be asked. */
export async function findServers(waitMs: number, udpPort = MDNS_PORT): Promise<readonly FoundServer[]> {
  const found = new Map<string, FoundServer>();
  await new Promise<void>((resolve, reject) => {
    const failed = (error: unknown) => {
      clearTimeout(timer);
      bonjour.destroy();
      reject(error);
    };
    const bonjour = new Bonjour({ port: udpPort }, failed);
    // An error that nobody hears, as of a port that another program keeps to itself, would end the process: the callback is for
    // sending alone.
    speakerOf(bonjour).on('error', failed);
    bonjour.find({ type: TYPE }, (service) => {
      const server = readService(service);
      if (server === null || found.has(server.name) || found.size >= SERVERS_MAX) return;
      found.set(server.name, server);
    });
    const timer = setTimeout(() => {
      bonjour.destroy();
      resolve();
    }, waitMs);
  });
  return [...found.values()];
}

/** What the library speaks through, which it keeps to itself. */
interface Speaker {
  on(event: 'error', heard: (error: unknown) => void): unknown;
}

const speakerOf = (bonjour: Bonjour): Speaker =>
  (bonjour as unknown as { readonly server: { readonly mdns: Speaker } }).server.mdns;

/** Null: it says nothing that a client could use. */
export function readService({ name, port, txt, addresses, referer }: HeardService): FoundServer | null {
  const sorted = [...(addresses ?? [])].sort((one, other) => Number(isIPv6(one)) - Number(isIPv6(other)));
  // The one that it spoke from is reached from here; a machine has others, of networks of its own.
  const from = sorted.filter((address) => address === referer?.address);
  const usable = [...from, ...sorted].filter((address) => !address.startsWith('fe80:'));
  const values = (txt ?? {}) as Readonly<Partial<Record<'url' | 'tls' | 'mqtt' | 'mqtts', unknown>>>;
  const urlOf = (scheme: string, at: number) => {
    const [address] = usable;
    if (address === undefined || !Number.isInteger(at) || at < 1 || at > 65_535) return null;
    return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${at}`;
  };
  const url = webUrl(values.url) ?? urlOf(values.tls === '1' ? 'https' : 'http', port);
  if (url === null || name.length > NAME_CHARACTERS_MAX) return null;
  const mqttUrl = urlOf(values.mqtts === '1' ? 'mqtts' : 'mqtt', Number(values.mqtt));
  return { name, url, mqttUrl, addresses: sorted };
}

/** What is no address of the web is left out. */
function webUrl(text: unknown): string | null {
  if (typeof text !== 'string' || !URL.canParse(text)) return null;
  const { protocol, origin } = new URL(text);
  return protocol === 'https:' || protocol === 'http:' ? origin : null;
}
