import { recurringUuidFromBytes, uuidFromBytes, uuidToBytes } from './ids.ts';

/** The version of the frame layout that this code speaks. */
export const FRAME_VERSION = 1;
/** The largest frame either end accepts, in bytes. Larger content belongs in a transfer of its own. */
export const FRAME_BYTES_MAX = 262_144;
/** HMAC-SHA256. */
export const SIGNATURE_BYTES = 32;
/** The signature with its tag and length: the end of every frame. */
const SIGNATURE_FIELD_BYTES = SIGNATURE_BYTES + 2;
/** A position in the stream with its tag, at most. */
const STREAM_OFFSET_FIELD_BYTES_MAX = 9;
/** The largest header and payload of a STORED frame: delivered with its position it must still be a frame. */
export const STORED_CONTENT_BYTES_MAX =
  FRAME_BYTES_MAX - STREAM_OFFSET_FIELD_BYTES_MAX - SIGNATURE_FIELD_BYTES;

const TAG_HEADER = 0x0a;
const TAG_PAYLOAD = 0x12;
const TAG_STREAM_OFFSET = 0x18;
const TAG_SIGNATURE = 0x22;
/** The last field of a header. */
const FIELD_MADE_BY_SERVER = 10;

/** `FrameHeader` of bifrost.proto with ids as UUID text; an absent id is null. */
export interface FrameHeader {
  readonly version: number;
  readonly type: number;
  readonly delivery: number;
  readonly id: string;
  readonly networkId: string;
  readonly sourceId: string;
  readonly destinationId: string | null;
  /** Up to 2^53 - 1. */
  readonly nonce: number;
  readonly correlationId: string | null;
  /** True: the source doesn't sign, and the server made the frame of what it said. */
  readonly madeByServer: boolean;
}

/** A frame that was read. `payload`, `signedBytes` and `signature` are views of `bytes`, nothing is copied. */
export interface FrameView {
  readonly bytes: Uint8Array;
  readonly header: FrameHeader;
  readonly payload: Uint8Array;
  /** Where the server's additions begin: everything before it is the sender's. */
  readonly contentLength: number;
  /** Position in the network's stream, 0 where there is none. */
  readonly streamOffset: number;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** Bytes that are not a frame. `reason` names the place, for logs; it never holds content. */
export class FrameError extends Error {
  readonly code: 'frame_malformed' | 'frame_too_large' | 'frame_version_unsupported';

  constructor(code: FrameError['code'], reason: string) {
    super(reason);
    this.name = 'FrameError';
    this.code = code;
  }
}

/** A position in bytes that are read from front to back. Throws `frame_malformed` rather than read past the end. */
class Cursor {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  byte(): number {
    if (this.position >= this.end) throw new FrameError('frame_malformed', 'the frame ends too early');
    return this.bytes[this.position++] as number;
  }

  /** A protobuf varint up to 2^53 - 1; refuses longer ones. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new FrameError('frame_malformed', 'a number is too large');
        return value;
      }
      scale *= 128;
    }
    throw new FrameError('frame_malformed', 'a number is too long');
  }

  /** The start of a length-delimited field's content; the cursor stands behind it. */
  field(): { start: number; length: number } {
    const length = this.varint();
    const start = this.position;
    if (length > this.end - start)
      throw new FrameError('frame_malformed', 'a field is longer than the frame');
    this.position = start + length;
    return { start, length };
  }
}

/**
 * Reads header and borders of a frame without touching its payload. Refuses with `FrameError` whatever is not exactly
 * the layout of bifrost.proto. The signature is not verified here.
 */
export function readFrame(bytes: Uint8Array): FrameView {
  if (bytes.length > FRAME_BYTES_MAX) throw new FrameError('frame_too_large', 'the frame is too large');
  const cursor = new Cursor(bytes, 0, bytes.length);
  if (cursor.byte() !== TAG_HEADER) throw new FrameError('frame_malformed', 'the header is missing');
  const headerField = cursor.field();
  const header = readHeader(bytes, headerField.start, headerField.start + headerField.length);
  if (cursor.byte() !== TAG_PAYLOAD) throw new FrameError('frame_malformed', 'the payload is missing');
  const payload = cursor.field();
  const contentLength = cursor.position;
  let tag = cursor.byte();
  let streamOffset = 0;
  if (tag === TAG_STREAM_OFFSET) {
    streamOffset = cursor.varint();
    tag = cursor.byte();
  }
  if (
    tag !== TAG_SIGNATURE ||
    cursor.byte() !== SIGNATURE_BYTES ||
    bytes.length - cursor.position !== SIGNATURE_BYTES
  ) {
    throw new FrameError('frame_malformed', 'the signature is not the end of the frame');
  }
  return {
    bytes,
    header,
    payload: viewOf(bytes, payload.start, payload.length),
    contentLength,
    streamOffset,
    signedBytes: viewOf(bytes, 0, bytes.length - SIGNATURE_FIELD_BYTES),
    signature: viewOf(bytes, bytes.length - SIGNATURE_BYTES, SIGNATURE_BYTES),
  };
}

/** As `subarray`, which takes twice as long. */
function viewOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
}

function readHeader(bytes: Uint8Array, start: number, end: number): FrameHeader {
  const cursor = new Cursor(bytes, start, end);
  const numbers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const ids: (string | null)[] = [null, null, null, null, null, null, null, null, null, null];
  let lastField = 0;
  while (cursor.position < end) {
    const tag = cursor.byte();
    const field = tag >> 3;
    if (field <= lastField || field > FIELD_MADE_BY_SERVER)
      throw new FrameError('frame_malformed', 'an unexpected header field');
    lastField = field;
    if (field <= 3 || field === 8 || field === FIELD_MADE_BY_SERVER) {
      if ((tag & 7) !== 0) throw new FrameError('frame_malformed', 'a header number has the wrong type');
      numbers[field] = cursor.varint();
    } else {
      const id = (tag & 7) === 2 ? cursor.field() : undefined;
      if (id?.length !== 16) throw new FrameError('frame_malformed', 'a header id is not 16 bytes');
      // Those of a network and of devices come again with every frame.
      const isRecurring = field >= 5 && field <= 7;
      ids[field] = isRecurring ? recurringUuidFromBytes(bytes, id.start) : uuidFromBytes(bytes, id.start);
    }
  }
  if (numbers[1] !== FRAME_VERSION) {
    throw new FrameError('frame_version_unsupported', `version ${numbers[1]} is not spoken here`);
  }
  const madeByServer = numbers[FIELD_MADE_BY_SERVER] as number;
  if (madeByServer > 1) throw new FrameError('frame_malformed', 'a header flag is neither true nor false');
  const [id, networkId, sourceId, destinationId] = [ids[4], ids[5], ids[6], ids[7] ?? null];
  if (!id || !networkId || !sourceId) throw new FrameError('frame_malformed', 'a header id is missing');
  return {
    version: FRAME_VERSION,
    type: numbers[2] as number,
    delivery: numbers[3] as number,
    id,
    networkId,
    sourceId,
    destinationId,
    nonce: numbers[8] as number,
    correlationId: ids[9] ?? null,
    madeByServer: madeByServer === 1,
  };
}

/** What a sender sets in a header; the version is ours. */
export type FrameHeaderInit = Omit<
  FrameHeader,
  'version' | 'destinationId' | 'correlationId' | 'madeByServer'
> & {
  readonly destinationId?: string | null;
  readonly correlationId?: string | null;
  readonly madeByServer?: boolean;
};

/**
 * A frame whose signature is still zero. `sign` writes it: it gets the bytes to sign and the buffer and position where
 * the 32 bytes go.
 */
export function encodeFrame(header: FrameHeaderInit, payload: Uint8Array, sign: FrameSigner): Uint8Array {
  return completeFrame(encodeContent(header, payload), 0, sign);
}

/** Header and payload of a frame: what the relay keeps and forwards. */
export function encodeContent(header: FrameHeaderInit, payload: Uint8Array): Uint8Array {
  const headerBytes = encodeHeader(header);
  const content = new Uint8Array(
    1 +
      varintLength(headerBytes.length) +
      headerBytes.length +
      1 +
      varintLength(payload.length) +
      payload.length,
  );
  let position = 0;
  content[position++] = TAG_HEADER;
  position = writeVarint(content, position, headerBytes.length);
  content.set(headerBytes, position);
  position += headerBytes.length;
  content[position++] = TAG_PAYLOAD;
  position = writeVarint(content, position, payload.length);
  content.set(payload, position);
  return content;
}

/** Writes HMAC-SHA256 of `signedBytes` to `frame[signatureStart .. signatureStart + 32)`. */
export type FrameSigner = (signedBytes: Uint8Array, frame: Uint8Array, signatureStart: number) => void;

/**
 * Header and payload as the sender wrote them, followed by the position in the stream (unless 0) and a signature of
 * this hop. The input is copied once, never changed.
 */
export function completeFrame(content: Uint8Array, streamOffset: number, sign: FrameSigner): Uint8Array {
  const { bytes, signedBytes, signatureStart } = unsignedFrame(content, streamOffset);
  sign(signedBytes, bytes, signatureStart);
  return bytes;
}

/** A frame whose 32 bytes from `signatureStart` on are still zero; `signedBytes` is a view of what they sign. */
export interface UnsignedFrame {
  readonly bytes: Uint8Array;
  readonly signedBytes: Uint8Array;
  readonly signatureStart: number;
}

/** As `completeFrame`, without the signature: for signing one content under many keys. */
export function unsignedFrame(content: Uint8Array, streamOffset: number): UnsignedFrame {
  const offsetBytes = streamOffset === 0 ? 0 : 1 + varintLength(streamOffset);
  const frame = newBytes(content.length + offsetBytes + SIGNATURE_FIELD_BYTES);
  frame.set(content, 0);
  let position = content.length;
  if (streamOffset !== 0) {
    frame[position++] = TAG_STREAM_OFFSET;
    position = writeVarint(frame, position, streamOffset);
  }
  frame[position++] = TAG_SIGNATURE;
  frame[position] = SIGNATURE_BYTES;
  return {
    bytes: frame,
    signedBytes: viewOf(frame, 0, frame.length - SIGNATURE_FIELD_BYTES),
    signatureStart: frame.length - SIGNATURE_BYTES,
  };
}

/** A copy of its bytes, for one of several receivers. */
export function copyOfFrame({ bytes }: UnsignedFrame): Uint8Array {
  const copy = newBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Memory for short frames is made so many bytes at a time: that is eight times as fast as one by one. */
const SLAB_BYTES = 8_192;
const SLAB_FRAME_BYTES_MAX = 1_024;
let slab = new ArrayBuffer(SLAB_BYTES);
let slabUsed = 0;

/** Zeros that nobody else has. */
function newBytes(length: number): Uint8Array {
  if (length > SLAB_FRAME_BYTES_MAX) return new Uint8Array(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    slabUsed = 0;
  }
  const bytes = new Uint8Array(slab, slabUsed, length);
  slabUsed += length;
  return bytes;
}

function encodeHeader(header: FrameHeaderInit): Uint8Array {
  const bytes = new Uint8Array(128);
  let position = 0;
  const number = (field: number, value: number) => {
    if (value === 0) return;
    bytes[position++] = field << 3;
    position = writeVarint(bytes, position, value);
  };
  const id = (field: number, uuid: string | null | undefined) => {
    if (!uuid) return;
    bytes[position++] = (field << 3) | 2;
    bytes[position++] = 16;
    bytes.set(uuidToBytes(uuid), position);
    position += 16;
  };
  number(1, FRAME_VERSION);
  number(2, header.type);
  number(3, header.delivery);
  id(4, header.id);
  id(5, header.networkId);
  id(6, header.sourceId);
  id(7, header.destinationId);
  number(8, header.nonce);
  id(9, header.correlationId);
  number(FIELD_MADE_BY_SERVER, header.madeByServer === true ? 1 : 0);
  return bytes.subarray(0, position);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}
