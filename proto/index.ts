/**
 * The wire, for both ends: messages generated from `yggdrasil/v1/*.proto`, the frame that carries them, and the names
 * of error codes. Needs nothing of Node, so that a browser can use it.
 */
import './numbers.ts';
import { yggdrasil } from './generated/yggdrasil.js';

export * from './audit-log.ts';
export * from './audit-receipt.ts';
export * from './frame.ts';
export * from './ids.ts';
export * from './release-manifest.ts';
export * from './replay-window.ts';

export const {
  Ack,
  BusinessRequest,
  BusinessResponse,
  Capabilities,
  Command,
  CommandResult,
  ComputeAlive,
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  ComputeDelta,
  ComputeFailure,
  ComputeApi,
  ComputeFault,
  ComputeRequest,
  ComputeResult,
  ConnectionAsk,
  ConnectionDecision,
  ConnectionEnd,
  ConnectionRequest,
  ConnectionResponse,
  ConnectionState,
  Delivery,
  DeviceSigned,
  DirectAnswer,
  DirectBeat,
  DirectOffer,
  DirectPathState,
  DirectReport,
  DirectState,
  Disconnect,
  Dropped,
  Error: ErrorPayload,
  ErrorCode,
  Event,
  FrameType,
  Heartbeat,
  Hello,
  OfferedModel,
  PairState,
  ProviderOffer,
  ProviderRegistration,
  ProviderWithdraw,
  RatatoskrHandshake,
  RatatoskrPattern,
  RatatoskrRequest,
  RatatoskrResponse,
  RatatoskrType,
  RouteQuery,
  Routes,
  Sealed,
  Shadow,
  ShadowDifference,
  ShadowReport,
  StreamCredit,
  StreamData,
  StreamPosition,
  ThorAction,
  ThorCancel,
  ThorCredit,
  ThorOutcome,
  ThorResult,
  TokenUsage,
  UpdateOffer,
  UpdatePart,
  UpdateReport,
  UpdateRequest,
  UpdateState,
  Value,
  Welcome,
} = yggdrasil.v1;

export type FrameType = yggdrasil.v1.FrameType;
export type Delivery = yggdrasil.v1.Delivery;
export type PairState = yggdrasil.v1.PairState;
export type ThorOutcome = yggdrasil.v1.ThorOutcome;
export type UpdateState = yggdrasil.v1.UpdateState;
export type RatatoskrPattern = yggdrasil.v1.RatatoskrPattern;
export type RatatoskrType = yggdrasil.v1.RatatoskrType;
/** The generated types, for annotations: `yggdrasil.v1.Hello`. */
export { yggdrasil };

/** An error code as people and REST read it: `device_not_found`. */
export type ErrorCodeName = Lowercase<keyof typeof yggdrasil.v1.ErrorCode>;

/** The number of a code's name, for an ERROR frame. */
export function errorCodeNumber(name: ErrorCodeName): yggdrasil.v1.ErrorCode {
  return ErrorCode[name.toUpperCase() as keyof typeof ErrorCode];
}

/** The name of a code's number; `internal` for a number this version doesn't know. */
export function errorCodeName(code: number): ErrorCodeName {
  const name = (ErrorCode as Record<number, string>)[code];
  return (name ?? 'INTERNAL').toLowerCase() as ErrorCodeName;
}

/** Bytes that are not the message they should be. */
export class PayloadError extends globalThis.Error {
  readonly code = 'frame_payload_malformed';

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'PayloadError';
  }
}

/** A generated message class, as far as this module needs it. */
export interface MessageType<Properties, Message> {
  encode(message: Properties): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/**
 * Bytes of a message. Refuses with `PayloadError` what no receiver could read: text with half of a character, numbers that are
 * no whole ones from 0 to what their field holds.
 */
export function encodePayload<Properties, Message>(
  type: MessageType<Properties, Message>,
  message: Properties,
): Uint8Array {
  requireReadable(message, '');
  return type.encode(message).finish();
}

/** The message in `payload`. Refuses with `PayloadError` what protobuf can't read and numbers above 2^53 - 1. */
export function decodePayload<Properties, Message>(
  type: MessageType<Properties, Message>,
  payload: Uint8Array,
): Message {
  let message: Message;
  try {
    message = type.decode(payload);
  } catch (cause) {
    throw new PayloadError('the payload is not the message its type names', cause);
  }
  requireSafeNumbers(message);
  return message;
}

/** Every number but `Value.number`, the only double of the schema, is a 64-bit integer at most. */
function requireSafeNumbers(value: unknown): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const field of Object.keys(value)) {
    const part = (value as Readonly<Record<string, unknown>>)[field];
    if (typeof part !== 'number') requireSafeNumbers(part);
    else if (field !== 'number' && !Number.isSafeInteger(part))
      throw new PayloadError('a number is too large');
  }
}

/** The 64-bit fields of the schema that count from 0; `Value.integer` is the one that is signed, all others have 32 bits. */
const WIDE_FIELDS: ReadonlySet<string> = new Set([
  'streamOffset',
  'nonce',
  'offset',
  'lastNonce',
  'measuredAtMs',
  'expiresAtMs',
  'untilMs',
  'sinceMs',
  'heardAtMs',
  'changedAtMs',
  'atMs',
  'sentAtMs',
  'serverTimeMs',
  'sequence',
  'request',
]);
const NARROW_MAX = 2 ** 32 - 1;

/** `field` is the name of the part in its message. */
function requireReadable(part: unknown, field: string): void {
  if (typeof part === 'string') requireWholeCharacters(part);
  else if (typeof part === 'number') requireNumber(part, field);
  else if (typeof part === 'object' && part !== null && !(part instanceof Uint8Array)) {
    for (const name of Object.keys(part)) {
      requireWholeCharacters(name);
      requireReadable((part as Readonly<Record<string, unknown>>)[name], name);
    }
  }
}

function requireNumber(value: number, field: string): void {
  if (field === 'number') return;
  const isFine =
    Number.isSafeInteger(value) &&
    (field === 'integer' || (value >= 0 && (WIDE_FIELDS.has(field) || value <= NARROW_MAX)));
  if (!isFine) throw new PayloadError('a number is not a whole one, or not one that its field holds');
}

/** The text with U+FFFD for what is half of a character: others' words, which were cut or never whole. */
export function toWholeCharacters(text: string): string {
  return text.replace(/\p{Cs}/gu, '\uFFFD');
}

function requireWholeCharacters(text: string): void {
  if (!text.isWellFormed()) throw new PayloadError('a text holds half of a character');
}
