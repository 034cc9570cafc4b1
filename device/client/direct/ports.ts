import type { SigningCore } from '../ports.ts';

/** One connection between two devices, encrypted, whose other end has proven its key. */
export interface DirectLink {
  /** 32 bytes that both ends know and nobody else: what is sent is signed with them. */
  readonly key: Uint8Array;
  /** Bytes that wait to be sent. */
  readonly waitingBytes: number;
  /** What is called from now on; before that nothing is read. `frame` gives bytes that are the receiver's own. */
  start(handlers: { frame(bytes: Uint8Array): void; closed(): void }): void;
  send(bytes: Uint8Array): void;
  /** Ends it at once. */
  close(): void;
}

/** Where a device listens, and the SHA-256 of the public key that it shows there. */
export interface DirectPlace {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly fingerprint: Uint8Array;
}

/** How devices reach each other without the server: by TLS in a local network, or by whatever else can do this. */
export interface DirectTransport {
  /** What signs there. Absent: the client's core; where the platform's own is faster, that. */
  readonly core?: SigningCore<unknown>;
  /** The SHA-256 of the public key that this device shows. */
  fingerprint(): Promise<Uint8Array>;
  /** Where this device can be reached; no address: nowhere. */
  listen(): Promise<Pick<DirectPlace, 'addresses' | 'port'>>;
  /** Takes the next connection of who has this key. Returns what stops waiting. */
  expect(fingerprint: Uint8Array, arrived: (link: DirectLink) => void): () => void;
  /**
   * Connects. Rejects with `direct_address_wrong` where no address is of a network of this device's own, with `direct_peer_wrong` where
   * somebody else answers, with `timed_out` where nobody does.
   */
  dial(place: DirectPlace): Promise<DirectLink>;
  close(): void;
}
