import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { BifrostError, type DirectLink, type DirectPlace, type DirectTransport } from '../../client/index.ts';
import { createDirectIdentity, type DirectIdentity, fingerprintOf } from './certificate.ts';
import { NODE_SIGNING } from './node-signing.ts';
import { isReachedDirectly, type OwnAddress, ownPrivateAddresses } from './own-addresses.ts';
import { TlsLink } from './tls-link.ts';

/** How long a handshake may take, in milliseconds: in a local network it takes a few. */
const HANDSHAKE_MS = 2_000;
/** Connections that are open at a time, those included whose other end is still unknown. */
const CONNECTIONS_MAX = 64;
/** What a device says and follows of addresses. */
const ADDRESSES_MAX = 8;

/** How a device of Node reaches others in its local network. */
export interface TlsPathsOptions {
  /** Its Ed25519 key, as PKCS #8 in PEM, kept from an earlier run. Absent: a new one. */
  readonly key?: string;
  /** Where to listen. Absent: at every address, at a port that is free. */
  readonly port?: number;
  /** Addresses of this machine. Absent: those of its interfaces that are of private networks. */
  readonly ownAddresses?: () => readonly OwnAddress[];
}

/**
 * Direct paths over TLS 1.3: both ends show a certificate that they signed themselves, and take the one key that the server named, whatever the
 * certificate says.
 */
export function createTlsPaths(options: TlsPathsOptions = {}): DirectTransport {
  return new TlsPaths(options);
}

const textOf = (fingerprint: Uint8Array) => Buffer.from(fingerprint).toString('hex');

class TlsPaths implements DirectTransport {
  readonly core = NODE_SIGNING;
  readonly #options: TlsPathsOptions;
  readonly #ownAddresses: () => readonly OwnAddress[];
  #identity: DirectIdentity | null = null;
  #listening: Promise<Server> | null = null;
  readonly #expected = new Map<string, (link: DirectLink) => void>();
  #isClosed = false;

  constructor(options: TlsPathsOptions) {
    this.#options = options;
    this.#ownAddresses = options.ownAddresses ?? ownPrivateAddresses;
  }

  async fingerprint(): Promise<Uint8Array> {
    return this.#know().fingerprint;
  }

  async listen(): Promise<Pick<DirectPlace, 'addresses' | 'port'>> {
    this.#listening ??= this.#listen();
    const { port } = (await this.#listening).address() as AddressInfo;
    const addresses = this.#ownAddresses().map(({ address }) => address);
    return { addresses: addresses.slice(0, ADDRESSES_MAX), port };
  }

  expect(fingerprint: Uint8Array, arrived: (link: DirectLink) => void): () => void {
    const key = textOf(fingerprint);
    this.#expected.set(key, arrived);
    return () => {
      if (this.#expected.get(key) === arrived) this.#expected.delete(key);
    };
  }

  async dial({ addresses, port, fingerprint }: DirectPlace): Promise<DirectLink> {
    const own = this.#ownAddresses();
    const reachable = addresses.slice(0, ADDRESSES_MAX).filter((address) => isReachedDirectly(address, own));
    if (reachable.length === 0 || port < 1_024)
      throw new BifrostError('direct_address_wrong', 'The device is in no network that this one is in.');
    let failure: unknown;
    for (const address of reachable) {
      try {
        return await this.#dialOne(address, port, fingerprint);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  close(): void {
    this.#isClosed = true;
    this.#expected.clear();
    this.#listening?.then((server) => server.close()).catch(() => undefined);
    this.#listening = null;
  }

  #know(): DirectIdentity {
    this.#identity ??= createDirectIdentity(this.#options.key);
    return this.#identity;
  }

  async #listen(): Promise<Server> {
    const { key, certificate } = this.#know();
    const server = createServer(
      {
        key,
        cert: certificate,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Nobody else signs these certificates: the key is compared with the one that the server named.
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_MS,
      },
      (socket) => this.#arrived(socket),
    );
    server.maxConnections = CONNECTIONS_MAX;
    server.on('tlsClientError', (_, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port ?? 0, resolve);
    });
    if (this.#isClosed) server.close();
    return server;
  }

  /** Who isn't expected is not told why. */
  #arrived(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    const key = certificate === undefined ? '' : textOf(fingerprintOf(certificate));
    const arrived = this.#expected.get(key);
    if (arrived === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#expected.delete(key);
    arrived(new TlsLink(socket));
  }

  async #dialOne(host: string, port: number, fingerprint: Uint8Array): Promise<DirectLink> {
    const { key, certificate: cert } = this.#know();
    // As above: the certificate is looked at below.
    const socket = connect({ host, port, key, cert, minVersion: 'TLSv1.3', rejectUnauthorized: false });
    return new Promise((resolve, reject) => {
      const fail = (error: BifrostError) => {
        socket.destroy();
        reject(error);
      };
      socket.setTimeout(HANDSHAKE_MS, () =>
        fail(new BifrostError('timed_out', 'The device does not answer on its direct path.')),
      );
      socket.once('error', (cause) =>
        fail(new BifrostError('session_lost', 'The device can not be reached directly.', cause)),
      );
      socket.once('secureConnect', () => {
        const certificate = socket.getPeerX509Certificate();
        if (certificate === undefined || textOf(fingerprintOf(certificate)) !== textOf(fingerprint)) {
          fail(
            new BifrostError('direct_peer_wrong', 'Who answers there does not have the key of the device.'),
          );
          return;
        }
        socket.setTimeout(0);
        resolve(new TlsLink(socket));
      });
    });
  }
}
