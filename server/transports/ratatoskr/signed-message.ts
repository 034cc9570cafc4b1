import { DeviceSigned, decodePayload } from '../../../proto/index.ts';
import { deviceSignedBytes, type OpenedMessage } from '../../../proto/ratatoskr/index.ts';
import type { DeviceSignature } from '../../kernel/device-signature.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { AppError } from '../../kernel/errors.ts';

/** Who signs what moves money in a session. */
export interface SessionSigner {
  /** The device's Ed25519 key. */
  readonly publicKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
}

/** A message that moves money. */
export class SignedMessage {
  /** What its type names, serialized. */
  readonly message: Uint8Array;
  readonly #claimed: DeviceSignature | null;
  readonly #ed25519: Pick<Ed25519, 'isSignedBy'>;
  #isRight = false;

  /** `signer` null: its session doesn't sign. Throws PayloadError for what can't be read. */
  constructor(
    { type, sequence, payload }: OpenedMessage,
    signer: SessionSigner | null,
    { ed25519 }: { readonly ed25519: Pick<Ed25519, 'isSignedBy'> },
  ) {
    this.#ed25519 = ed25519;
    if (signer === null) {
      this.message = payload;
      this.#claimed = null;
      return;
    }
    const { message, signature } = decodePayload(DeviceSigned, payload);
    const { publicKey, handshakeHash } = signer;
    this.message = message;
    const bytes = deviceSignedBytes(handshakeHash, { type, sequence, message });
    this.#claimed = { publicKey, signature, bytes };
  }

  /** Refuses with `device_signature_wrong` what its session's device hasn't signed for this place. */
  requireRight(): void {
    if (this.#claimed === null || this.#isRight) return;
    const { publicKey, bytes, signature } = this.#claimed;
    if (!this.#ed25519.isSignedBy(publicKey, bytes, signature)) {
      throw new AppError(
        'invalid',
        'device_signature_wrong',
        "The message is not signed by the device's key.",
      );
    }
    this.#isRight = true;
  }

  /** The signature, once it was found to be right; null: it was not, or there is none. */
  get signature(): DeviceSignature | null {
    return this.#isRight ? this.#claimed : null;
  }
}
