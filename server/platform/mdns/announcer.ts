import type { EventEmitter } from 'node:events';
import { hostname, networkInterfaces } from 'node:os';
import { Bonjour, type Service } from 'bonjour-service';
import type { Logger } from '../../kernel/logger.ts';
import { ADDRESSES_LOOKED_AT_MS, GOODBYE_TIMEOUT_MS } from './limits.ts';

/** What a server says of itself in its local network. Everybody there reads it. */
export interface Announcement {
  readonly port: number;
  /** The TXT record of DNS-SD (RFC 6763 section 6). */
  readonly values: Readonly<Record<string, string>>;
}

/** Says in the local network that a server is there: `_yggdrasil._tcp` of DNS-SD (RFC 6763), by multicast DNS (RFC 6762). */
export interface Announcer {
  /** Begins. What goes wrong in the network is logged, and keeps nothing else from its work. */
  start(announcement: Announcement): void;
  /** Tells the network that the server is gone. */
  stop(): Promise<void>;
}

/** The service's type, as clients look for it. */
const TYPE = 'yggdrasil';
/** RFC 6762 section 3. */
const MDNS_PORT = 5_353;
/** RFC 1035 section 2.3.4. The library writes a longer one all the same, and nobody can read the packet. */
const LABEL_BYTES_MAX = 63;
const WILDCARDS = ['0.0.0.0', '::'];

/** An announcer for a server that listens at `host`: other addresses of the machine are not told where it is one of them. */
export function createAnnouncer(
  { host, udpPort = MDNS_PORT }: { readonly host: string; readonly udpPort?: number },
  { logger }: { readonly logger: Logger },
): Announcer {
  const operation = 'server.announce';
  let running: Running | null = null;

  const publish = (bonjour: Bonjour, { port, values }: Announcement): Service => {
    const [machine = 'server'] = hostname().split('.', 1);
    const label = endOf(machine, LABEL_BYTES_MAX);
    const [before, after] = ['Yggdrasil on ', `, port ${port}`];
    const name = `${before}${endOf(label, LABEL_BYTES_MAX - before.length - after.length)}${after}`;
    // Names of machines are unique in a network, so that this one needs no question: anybody could answer it, and silence the server.
    const where = { host: `${label}.local`, port, txt: values, probe: false };
    return bonjour.publish({ name, type: TYPE, ...where });
  };

  return {
    start(announcement) {
      let isTold = false;
      const failed = (error: unknown) => {
        // Each question of the network may fail: one line says it for all.
        if (!isTold) logger.warn({ operation, error }, 'the local network is not told of the server');
        isTold = true;
      };
      const bonjour = new Bonjour({ port: udpPort }, failed);
      const speaker = speakerOf(bonjour);
      // An error that nobody hears, as of a port that another program keeps to itself, would end the process: the callback is for
      // sending alone.
      speaker.on('error', failed);
      if (!WILDCARDS.includes(host)) keepTo(speaker, host);
      let service = publish(bonjour, announcement);
      let known = addressesNow();
      // A machine may get another address at any time.
      const timer = setInterval(() => {
        const now = addressesNow();
        if (now === known) return;
        known = now;
        service.stop?.(() => {
          if (running !== null) service = publish(bonjour, announcement);
        });
      }, ADDRESSES_LOOKED_AT_MS);
      timer.unref();
      running = { bonjour, timer };
      logger.info({ operation, port: announcement.port }, 'the local network is told of the server');
    },
    async stop() {
      if (running === null) return;
      const { bonjour, timer } = running;
      running = null;
      clearInterval(timer);
      await new Promise<void>((resolve) => {
        setTimeout(resolve, GOODBYE_TIMEOUT_MS).unref();
        bonjour.unpublishAll(() => resolve());
      });
      bonjour.destroy();
    },
  };
}

interface Running {
  readonly bonjour: Bonjour;
  readonly timer: NodeJS.Timeout;
}

/** What the library speaks through, which it keeps to itself. */
interface Speaker extends EventEmitter {
  respond(packet: readonly DnsRecord[] | Response, ...rest: readonly unknown[]): void;
}

interface DnsRecord {
  readonly type: string;
  readonly data: unknown;
}

interface Response {
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

const speakerOf = (bonjour: Bonjour): Speaker =>
  (bonjour as unknown as { readonly server: { readonly mdns: Speaker } }).server.mdns;

/** Leaves out every address of the machine but this one, in all that is said. */
function keepTo(speaker: Speaker, address: string): void {
  const respond = speaker.respond.bind(speaker);
  const kept = (records: readonly DnsRecord[]) =>
    records.filter(({ type, data }) => (type !== 'A' && type !== 'AAAA') || data === address);
  speaker.respond = (packet, ...rest) => {
    const own =
      'answers' in packet
        ? { ...packet, answers: kept(packet.answers), additionals: kept(packet.additionals) }
        : kept(packet);
    respond(own, ...rest);
  };
}

/** As many characters from its end as fit: names of machines that are made in numbers differ there. */
function endOf(text: string, bytesMax: number): string {
  const characters = [...text];
  while (Buffer.byteLength(characters.join('')) > bytesMax) characters.shift();
  return characters.join('');
}

function addressesNow(): string {
  return JSON.stringify(
    Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []),
  );
}
