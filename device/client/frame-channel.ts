import {
  encodeFrame,
  FRAME_BYTES_MAX,
  type FrameSigner,
  type FrameView,
  parseUuid,
  readFrame,
  type yggdrasil,
} from '../../proto/index.ts';
import { checkCredentials, type DeviceCredentials, signingSecret } from './credentials.ts';
import { BifrostError } from './errors.ts';
import { FRAME_OVERHEAD_BYTES_MAX } from './limits.ts';
import type { NonceSource } from './nonce.ts';
import type { Random, SigningCore } from './ports.ts';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** What a sender says about a frame; the rest of the header is the device's own. */
export interface OutgoingFrame {
  readonly type: yggdrasil.v1.FrameType;
  readonly delivery: yggdrasil.v1.Delivery;
  readonly payload: Uint8Array;
  /** Absent: the server, or every device of the network, by the frame's type. */
  readonly destinationId?: string | null;
  readonly correlationId?: string | null;
}

/** Why bytes that arrived are not for us. */
export type DropReason =
  | 'frame_malformed'
  | 'frame_too_large'
  | 'frame_version_unsupported'
  | 'frame_signature_wrong'
  | 'frame_destination_wrong';

/** What `open` found. */
export type OpenedFrame =
  | { readonly ok: true; readonly frame: FrameView }
  | { readonly ok: false; readonly reason: DropReason };

/** One device's end of the wire: signs what it sends, verifies what it receives. Knows no transport. */
export class FrameChannel {
  readonly #credentials: DeviceCredentials;
  readonly #nonces: NonceSource;
  readonly #random: Random;
  readonly #sign: FrameSigner;
  readonly #verify: (message: Uint8Array, signature: Uint8Array) => boolean;

  private constructor(
    credentials: DeviceCredentials,
    nonces: NonceSource,
    random: Random,
    sign: FrameSigner,
    verify: (message: Uint8Array, signature: Uint8Array) => boolean,
  ) {
    this.#credentials = credentials;
    this.#nonces = nonces;
    this.#random = random;
    this.#sign = sign;
    this.#verify = verify;
  }

  /** Imports the signing key into the core. Throws `CredentialsError` for credentials that can't be used. */
  static create<Key>(
    credentials: DeviceCredentials,
    dependencies: { core: SigningCore<Key>; nonces: NonceSource; random: Random },
  ): FrameChannel {
    const { core, nonces, random } = dependencies;
    const checked = checkCredentials(credentials);
    const key = core.importKey(signingSecret(checked));
    return new FrameChannel(
      checked,
      nonces,
      random,
      (message, frame, position) => core.signInto(key, message, frame, position),
      (message, signature) => core.verify(key, message, signature),
    );
  }

  get deviceId(): string {
    return this.#credentials.deviceId;
  }

  get networkId(): string {
    return this.#credentials.networkId;
  }

  get token(): string {
    return this.#credentials.token;
  }

  get nonces(): NonceSource {
    return this.#nonces;
  }

  /** A fresh id for a frame. */
  newId(): string {
    return this.#random.uuid();
  }

  /**
   * The signed bytes of a frame with the next nonce. The same `id` may be sealed again, for sending it again: receivers
   * know it by its id. Refuses with `frame_too_large` a payload that no frame can hold. Throws `RangeError` for an id
   * that is no UUID.
   */
  seal(frame: OutgoingFrame, id: string): Uint8Array {
    requirePayloadFits(frame.payload);
    return encodeFrame(
      {
        type: frame.type,
        delivery: frame.delivery,
        id,
        networkId: this.#credentials.networkId,
        sourceId: this.#credentials.deviceId,
        destinationId: frame.destinationId ?? null,
        nonce: this.#nonces.next(),
        correlationId: frame.correlationId ?? null,
      },
      frame.payload,
      this.#sign,
    );
  }

  /** Verifies the signature before anything else is believed, then that the frame is of our network and for us. */
  open(bytes: Uint8Array): OpenedFrame {
    let frame: FrameView;
    try {
      frame = readFrame(bytes);
    } catch (error) {
      return { ok: false, reason: (error as { code?: DropReason }).code ?? 'frame_malformed' };
    }
    if (!this.#verify(frame.signedBytes, frame.signature))
      return { ok: false, reason: 'frame_signature_wrong' };
    const { networkId, sourceId, destinationId } = frame.header;
    // The server's answer to bytes from which it could read no network.
    const isAnswerToNonsense = sourceId === NIL_UUID && networkId === NIL_UUID;
    const isOurNetwork = networkId === this.networkId || isAnswerToNonsense;
    if (!isOurNetwork || (destinationId !== null && destinationId !== this.deviceId)) {
      return { ok: false, reason: 'frame_destination_wrong' };
    }
    return { ok: true, frame };
  }
}

function requirePayloadFits(payload: Uint8Array): void {
  if (payload.length > FRAME_BYTES_MAX - FRAME_OVERHEAD_BYTES_MAX) {
    throw new BifrostError('frame_too_large', 'The payload is larger than a frame can hold.');
  }
}

/**
 * The frame with its ids as the wire gives them back: in lower case. Refuses with `frame_too_large` a payload that no
 * frame can hold, with `invalid_input` an id that is no UUID.
 */
export function checkFrame(frame: OutgoingFrame): OutgoingFrame {
  const { payload, destinationId = null, correlationId = null } = frame;
  requirePayloadFits(payload);
  return {
    ...frame,
    destinationId: destinationId === null ? null : requireUuid(destinationId),
    correlationId: correlationId === null ? null : requireUuid(correlationId),
  };
}

/** The id in lower case. Refuses with `invalid_input` what is no UUID. */
export function requireUuid(id: string): string {
  const uuid = parseUuid(id);
  if (uuid === null) throw new BifrostError('invalid_input', `"${id}" is not a UUID.`);
  return uuid;
}
