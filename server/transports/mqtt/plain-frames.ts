import {
  Capabilities,
  Command,
  CommandResult,
  Delivery,
  decodePayload,
  ErrorCode,
  type ErrorCodeName,
  Event,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  FrameType,
  type FrameView,
  parseUuid,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { DeviceCapabilities } from '../../domains/devices/index.ts';
import type { MadeFrame } from '../../domains/relay/index.ts';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { jsonOf, wireValue } from '../frames/json-values.ts';
import { PLAIN_TEXT_CHARACTERS_MAX } from './limits.ts';
import { readJson, requireMembers, requireObject } from './plain-json.ts';
import { isName, type PlainTopic } from './plain-topics.ts';
import { readingsOf, wireValuesOf } from './plain-values.ts';

/** What is made of a plain device's words; the relay adds the rest of the header. */
export type PlainFrame = Omit<MadeFrame, 'networkId'>;

const UUID_BYTES = 16;
const REFERENCE = /^[A-Za-z0-9_-]{64}$/;

/**
 * The frames that say to Bifrost clients what a device published under its own topics: an EVENT for each value, or its
 * capabilities. Refuses with `too_large`, `malformed_json` and `invalid_input`.
 */
export function framesOf(topic: PlainTopic, payload: Uint8Array, isKept: boolean): PlainFrame[] {
  const json = readJson(payload);
  const delivery = isKept ? Delivery.STORED : Delivery.TRANSIENT;
  if (topic.kind === 'capabilities') {
    return [capabilitiesFrame(capabilitiesOf(requireObject(json, 'The payload')), isKept)];
  }
  const isMeasured = topic.kind === 'readings';
  return readingsOf(json, topic.name).map(({ name, value, unit, measuredAtMs }) => ({
    type: FrameType.EVENT,
    delivery,
    payload: encodePayload(Event, {
      name,
      unit,
      measuredAtMs,
      isState: topic.kind === 'state',
      ...(value === null ? {} : { value: wireValue(value, isMeasured) }),
    }),
  }));
}

/** The capabilities in a frame of `framesOf`. */
export function capabilitiesIn(frame: PlainFrame): DeviceCapabilities {
  const { platform, firmware, sensors, actuators, commands } = decodePayload(Capabilities, frame.payload);
  return { platform, firmware, sensors, actuators, commands };
}

/**
 * The COMMAND that a plain client gives to another device: arguments, or `{"id", "arguments"}`. Refuses with `too_large`,
 * `malformed_json` and `invalid_input`.
 */
export function commandOf(deviceId: string, name: string, payload: Uint8Array): PlainFrame {
  const destinationId = parseUuid(deviceId);
  if (destinationId === null || !isName(name)) throw invalidInput('This is no topic of a command.');
  const said = payload.length === 0 ? {} : requireObject(readJson(payload), 'The payload');
  const isWhole =
    'arguments' in said && Object.keys(said).every((key) => key === 'id' || key === 'arguments');
  const given = isWhole ? requireObject(said.arguments as JsonValue, 'arguments') : said;
  const id = isWhole && said.id !== undefined ? parseUuid(String(said.id)) : undefined;
  if (id === null) throw invalidInput('The id of a command is a UUID.');
  const command = encodePayload(Command, { name, arguments: wireValuesOf(given) });
  return {
    type: FrameType.COMMAND,
    delivery: Delivery.STORED,
    payload: command,
    destinationId,
    ...(id === undefined ? {} : { id }),
  };
}

/**
 * The COMMAND_RESULT that a plain device publishes: `{"id", "values"}` or `{"id", "error"}`, and the network of the command.
 * Refuses with `too_large`, `malformed_json` and `invalid_input`.
 */
export function resultOf(payload: Uint8Array): MadeFrame {
  const said = requireObject(readJson(payload), 'A result');
  requireMembers(said, ['id', 'values', 'error'], 'A result');
  if (typeof said.id !== 'string' || !REFERENCE.test(said.id)) {
    throw invalidInput('A result names the command by the id that came with it.');
  }
  const reference = Buffer.from(said.id, 'base64url');
  const values = said.values === undefined ? {} : wireValuesOf(requireObject(said.values, 'values'));
  const error = said.error === undefined ? {} : { error: errorOf(said.error) };
  return {
    ...resultFrame(
      {
        id: uuidFromBytes(reference, 0),
        sourceId: uuidFromBytes(reference, UUID_BYTES),
        networkId: uuidFromBytes(reference, 2 * UUID_BYTES),
      },
      encodePayload(CommandResult, { ...error, values }),
    ),
  };
}

/** The COMMAND_RESULT of a command that the server has carried out in the name of its device. */
export function doneCommand({ header }: Pick<FrameView, 'header'>, values: JsonObject): MadeFrame {
  return resultFrame(header, encodePayload(CommandResult, { values: wireValuesOf(values) }));
}

/** The frames of what a firmware of its own kind says, and of what it was found to do. */
export function eventFrame(
  { name, value, unit, isState }: { name: string; value: JsonValue; unit: string; isState: boolean },
  isKept: boolean,
): PlainFrame {
  const said = value as boolean | number | string | null;
  return {
    type: FrameType.EVENT,
    delivery: isKept ? Delivery.STORED : Delivery.TRANSIENT,
    payload: encodePayload(Event, {
      name,
      unit,
      isState,
      ...(said === null ? {} : { value: wireValue(said, !isState) }),
    }),
  };
}

/** Capabilities, as a device announces them. */
export function capabilitiesFrame(capabilities: DeviceCapabilities, isKept: boolean): PlainFrame {
  const { platform, firmware, sensors, actuators, commands } = capabilities;
  const lists = { sensors: [...sensors], actuators: [...actuators], commands: [...commands] };
  const wire = { platform, firmware, ...lists };
  const delivery = isKept ? Delivery.STORED : Delivery.TRANSIENT;
  return { type: FrameType.CAPABILITIES, delivery, payload: encodePayload(Capabilities, wire) };
}

/** The COMMAND_RESULT with which the server refuses a command in the name of its device. */
export function refusedCommand({ header }: FrameView, code: ErrorCodeName, message: string): MadeFrame {
  const error = { code: errorCodeNumber(code), message };
  return resultFrame(header, encodePayload(CommandResult, { error, values: {} }));
}

/** What a plain device is told of a frame for it: a command, by its name, or the result of one that it gave. */
export type PlainMessage =
  | { readonly kind: 'command'; readonly name: string; readonly json: JsonObject }
  | { readonly kind: 'result'; readonly deviceId: DeviceId; readonly json: JsonObject };

/** The frame as a plain device is told it; null for what is not for plain devices. Throws `PayloadError`. */
export function messageOf({ header, payload }: FrameView): PlainMessage | null {
  if (header.type === FrameType.COMMAND) {
    const { name, arguments: given } = decodePayload(Command, payload);
    const json = { id: referenceOf(header), name, arguments: jsonOf(given), from: header.sourceId };
    return { kind: 'command', name, json };
  }
  if (header.type !== FrameType.COMMAND_RESULT || header.correlationId === null) return null;
  const { error, values } = decodePayload(CommandResult, payload);
  const refusal = error
    ? { error: { code: errorCodeName(error.code ?? 0), message: error.message ?? '' } }
    : {};
  return {
    kind: 'result',
    deviceId: header.sourceId as DeviceId,
    json: { id: header.correlationId, ...refusal, values: jsonOf(values) },
  };
}

type CommandHeader = Pick<FrameView['header'], 'id' | 'sourceId' | 'networkId'>;

/** By what a device names a command in its result: which, whose, and in which network. */
function referenceOf({ id, sourceId, networkId }: CommandHeader): string {
  return Buffer.concat([uuidToBytes(id), uuidToBytes(sourceId), uuidToBytes(networkId)]).toString(
    'base64url',
  );
}

function resultFrame({ id, sourceId, networkId }: CommandHeader, payload: Uint8Array): MadeFrame {
  const type = FrameType.COMMAND_RESULT;
  return { type, delivery: Delivery.STORED, networkId, destinationId: sourceId, correlationId: id, payload };
}

/** A text, or `{"code", "message"}` with a code of error.proto. */
function errorOf(said: JsonValue): { code: number; message: string } {
  const object = typeof said === 'string' ? { message: said } : requireObject(said, 'error');
  requireMembers(object, ['code', 'message'], 'error');
  const { code = 'command_failed', message = '' } = object;
  const known = typeof code === 'string' ? code.toUpperCase() : '';
  if (!Object.hasOwn(ErrorCode, known) || typeof message !== 'string') {
    throw invalidInput('error is a text, or an object of a code and a message.');
  }
  if (message.length > PLAIN_TEXT_CHARACTERS_MAX || /\p{Cs}/u.test(message)) {
    throw new AppError('too_large', 'too_large', 'The message of the error is too long.');
  }
  return { code: errorCodeNumber(code as ErrorCodeName), message };
}

const CAPABILITY_LISTS = ['sensors', 'actuators', 'commands'] as const;

function capabilitiesOf(object: JsonObject): DeviceCapabilities {
  requireMembers(object, ['platform', 'firmware', ...CAPABILITY_LISTS], 'The payload');
  const text = (name: 'platform' | 'firmware'): string => {
    const { [name]: said = '' } = object;
    if (typeof said !== 'string' || /\p{Cs}/u.test(said)) throw invalidInput(`${name} is a text.`);
    return said;
  };
  const list = (name: (typeof CAPABILITY_LISTS)[number]): string[] => {
    const said: JsonValue = object[name] ?? [];
    if (!Array.isArray(said) || said.some((item) => typeof item !== 'string' || /\p{Cs}/u.test(item))) {
      throw invalidInput(`${name} is a list of texts.`);
    }
    return said as string[];
  };
  return {
    platform: text('platform'),
    firmware: text('firmware'),
    sensors: list('sensors'),
    actuators: list('actuators'),
    commands: list('commands'),
  };
}
