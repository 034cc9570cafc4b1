import type { NativeKey } from './ports.ts';
import type { SigningKey } from './types.ts';

/** A key as the facade keeps it: midstates for the module, and for large messages the platform's key where it has one. */
export class ImportedKey implements SigningKey {
  readonly algorithm = 'hmac-sha256';
  readonly slot: number;
  readonly midstates: Uint8Array;
  readonly nativeKey: NativeKey | null;

  constructor(slot: number, midstates: Uint8Array, nativeKey: NativeKey | null) {
    this.slot = slot;
    this.midstates = midstates;
    this.nativeKey = nativeKey;
  }

  /** What a log or an error message may show of a key: nothing. */
  toJSON(): string {
    return '[signing key]';
  }
}
