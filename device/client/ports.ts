/** Time as an input: programs give `systemClock`, tests move one by hand. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  nowMs(): number;
  /** Calls `work` once, after `delayMs`. The returned function takes it back. */
  after(delayMs: number, work: () => void): () => void;
}

/** Chance as an input. */
export interface Random {
  /** A random UUID, version 4, in lower-case text. */
  uuid(): string;
  /** A number in [0, 1), for choices that need no secrecy. */
  fraction(): number;
}

/**
 * The signing half of the compute core: `device.wasm` behind `assembly/host`, in Node and in browsers alike. `Key` is
 * whatever the core makes of a secret.
 */
export interface SigningCore<Key> {
  importKey(secret: Uint8Array): Key;
  /** Writes the 32 bytes of HMAC-SHA256 of `message` to `target`, from `position`. */
  signInto(key: Key, message: Uint8Array, target: Uint8Array, position: number): void;
  /** In constant time. */
  verify(key: Key, message: Uint8Array, signature: Uint8Array): boolean;
}

/** The part of the standard WebSocket that the client uses; browsers' own and the one of the package `ws` have it. */
export interface BifrostSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(bytes: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** Starts a connection with the device's token. The socket's handlers are set before anything can happen on it. */
export type SocketOpener = (url: string, subprotocol: string, token: string) => BifrostSocket;
