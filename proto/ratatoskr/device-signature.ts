import {
  ComputeResult,
  decodePayload,
  fromHex,
  PayloadError,
  RatatoskrType,
  uuidFromBytes,
} from '../index.ts';
import { joined } from './noise.ts';

/** What a device signs with: Ed25519 (RFC 8032), private keys as their 32 bytes. */
export interface DeviceSigning {
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** 64 bytes. */
  sign(privateKey: Uint8Array, bytes: Uint8Array): Uint8Array;
}

/** The messages of a device that move money: what it asks for its work, and what is billed. */
export const SIGNED_TYPES: ReadonlySet<RatatoskrType> = new Set([
  RatatoskrType.PROVIDER_REGISTRATION,
  RatatoskrType.COMPUTE_RESULT,
]);

/** A message that a device signs, and its place. */
export interface PlacedMessage {
  readonly type: RatatoskrType;
  readonly sequence: number;
  /** What the type names, serialized, in clear. */
  readonly message: Uint8Array;
}

const LABEL = new TextEncoder().encode('yggdrasil ratatoskr 1 device signature');
const HASH_BYTES = 32;
/** Direction, type and sequence number. */
const PLACE_BYTES = 10;
const FROM_CLIENT = 1;
const MESSAGE_AT = LABEL.length + HASH_BYTES + PLACE_BYTES;

/**
 * What a device signs of a message: the label, the hash of the session's handshake, the direction, the type, the sequence number and the
 * message, one behind the other. Nothing else that any key of Yggdrasil signs begins like it, and no two messages have the same.
 */
export function deviceSignedBytes(
  handshakeHash: Uint8Array,
  { type, sequence, message }: PlacedMessage,
): Uint8Array {
  const place = new Uint8Array(PLACE_BYTES);
  const view = new DataView(place.buffer);
  view.setUint8(0, FROM_CLIENT);
  view.setUint8(1, type);
  view.setBigUint64(2, BigInt(sequence));
  return joined([LABEL, handshakeHash, place, message]);
}

/** The message that a device signed, of the bytes that it signed; null: they are none of a message. */
export function readDeviceSignedBytes(bytes: Uint8Array): PlacedMessage | null {
  if (bytes.length < MESSAGE_AT || LABEL.some((byte, index) => bytes[index] !== byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + LABEL.length + HASH_BYTES, PLACE_BYTES);
  if (view.getUint8(0) !== FROM_CLIENT) return null;
  return {
    type: view.getUint8(1),
    sequence: Number(view.getBigUint64(2)),
    message: bytes.subarray(MESSAGE_AT),
  };
}

/** A signature with all that it takes to check it, as a text in JSON has it. */
export interface WrittenSignature {
  /** Ed25519: 32 bytes in hexadecimal. */
  readonly publicKey: string;
  /** 64 bytes in hexadecimal. */
  readonly signature: string;
  /** What is signed (`deviceSignedBytes`), in hexadecimal. */
  readonly bytes: string;
}

/** What a receipt says of a signed message, as far as it is checked. */
interface SigningReceipt {
  readonly request?: unknown;
  readonly signed?: Partial<WrittenSignature> | null;
}

/**
 * What is wrong with the signature in the text of a receipt; null: nothing, or the text has none. The signature must be of the message by
 * the key that the text names, and a result the one of the receipt's request.
 */
export function findSignatureProblem(
  content: string,
  isSignedBy: (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean,
): string | null {
  const { signed, request } = JSON.parse(content) as SigningReceipt;
  if (signed === undefined || signed === null) return null;
  const { publicKey, signature, bytes } = signed;
  const [key, proof, said] = [bytesOf(publicKey), bytesOf(signature), bytesOf(bytes)];
  if (key === null || proof === null || said === null) return 'the signature of the device can not be read';
  if (!isSignedBy(key, said, proof)) return 'what the device said is not signed by its key';
  const placed = readDeviceSignedBytes(said);
  if (placed === null || !SIGNED_TYPES.has(placed.type)) return 'the device has signed something else';
  if (placed.type !== RatatoskrType.COMPUTE_RESULT) return null;
  return requestOf(placed.message) === request ? null : 'the device has signed the result of another request';
}

function bytesOf(text: unknown): Uint8Array | null {
  return typeof text === 'string' ? fromHex(text, text.length / 2) : null;
}

function requestOf(result: Uint8Array): string | null {
  try {
    const { requestId } = decodePayload(ComputeResult, result);
    return requestId.length === 16 ? uuidFromBytes(requestId) : null;
  } catch (error) {
    if (error instanceof PayloadError) return null;
    throw error;
  }
}
