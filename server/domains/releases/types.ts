import type { ReleaseManifest } from '../../../proto/index.ts';
import type { NetworkId } from '../../kernel/ids.ts';

/** A key whose signatures count. */
export interface ReleaseKey {
  readonly id: string;
  readonly name: string;
  /** Null: for all networks of the tenant. */
  readonly networkId: NetworkId | null;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly createdAtMs: number;
}

/** What an owner signed: 96 and 64 bytes. */
export interface SignedManifest {
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
}

/** A release. */
export interface Release extends SignedManifest {
  readonly id: string;
  readonly keyId: string;
  /** Of its key: the one network it may be rolled out in; null: any. */
  readonly networkId: NetworkId | null;
  /** What the manifest says. */
  readonly described: ReleaseManifest;
  readonly receivedBytes: number;
  /** Null: bytes are missing. */
  readonly completedAtMs: number | null;
  readonly createdAtMs: number;
}
