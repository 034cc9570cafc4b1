import {
  Capabilities,
  Command,
  CommandResult,
  Dropped,
  decodePayload,
  type ErrorCodeName,
  ErrorPayload,
  Event,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  type FrameView,
  uuidFromBytes,
  type yggdrasil,
} from '../../proto/index.ts';
import { fromValue, fromValues, type PlainValue, toValue, toValues } from './values.ts';

/** The source of frames that the server itself made: the nil UUID. */
export const SERVER_ID = '00000000-0000-0000-0000-000000000000';

/** A frame that was verified. `payload` is a view of the bytes that arrived. */
export interface ReceivedFrame {
  readonly type: yggdrasil.v1.FrameType;
  readonly delivery: yggdrasil.v1.Delivery;
  readonly id: string;
  /** The sender; `SERVER_ID` for the server. */
  readonly sourceId: string;
  readonly destinationId: string | null;
  readonly correlationId: string | null;
  readonly nonce: number;
  /** True: the sender speaks plain MQTT and doesn't sign; the server made the frame of what it said. */
  readonly madeByServer: boolean;
  /** Position in the network's stream, 0 for what isn't stored. */
  readonly streamOffset: number;
  readonly payload: Uint8Array;
  /** True: its sender sealed it for this device, and nobody else has read it. */
  readonly isSealed: boolean;
}

/** A reading or a state. */
export interface DeviceEvent {
  /** "sensor.temperature", "led.state" */
  readonly name: string;
  readonly value: PlainValue | null;
  /** "celsius"; empty for a plain number or a state. */
  readonly unit: string;
  /** By the source's clock; 0 where it has none. */
  readonly measuredAtMs: number;
  /** True: how something is that can be set. The server keeps it as the device's reported state. */
  readonly isState?: boolean;
  /** True: the will of a plain device, which has vanished. The server says it in its name. */
  readonly isWill?: boolean;
}

/** What a device can do. */
export interface DeviceCapabilities {
  /** "esp32", "browser", "linux" */
  readonly platform: string;
  readonly firmware: string;
  readonly sensors: readonly string[];
  readonly actuators: readonly string[];
  readonly commands: readonly string[];
  /** The public key (X25519, 32 bytes) that others seal for; the client says its own. */
  readonly sealKey?: Uint8Array;
}

/** A device that says nothing of itself. */
export const NO_CAPABILITIES: DeviceCapabilities = {
  platform: '',
  firmware: '',
  sensors: [],
  actuators: [],
  commands: [],
};

/** What a device is asked to do. */
export interface DeviceCommand {
  /** "led.set" */
  readonly name: string;
  readonly arguments: Readonly<Record<string, PlainValue>>;
}

/** A device's answer to a command. */
export interface DeviceCommandResult {
  /** Null: the command was carried out. */
  readonly error: { readonly code: ErrorCodeName; readonly message: string } | null;
  readonly values: Readonly<Record<string, PlainValue>>;
}

/** Frames for one device that were removed before it came for them. */
export interface UndeliveredFrames {
  /** Whether this device sent them, or they were for it. */
  readonly end: 'sender' | 'receiver';
  readonly count: number;
  /** Ids of the first of them. */
  readonly ids: readonly string[];
  /** When the first and the last of them were removed. */
  readonly sinceMs: number;
  readonly atMs: number;
}

/** The parts of a frame that programs look at. */
export function receivedFrame(frame: FrameView): ReceivedFrame {
  const { type, delivery, id, sourceId, destinationId, correlationId, nonce, madeByServer } = frame.header;
  const { streamOffset, payload } = frame;
  return {
    type,
    delivery,
    id,
    sourceId,
    destinationId,
    correlationId,
    nonce,
    madeByServer,
    streamOffset,
    payload,
    isSealed: false,
  };
}

/** Payload of an EVENT frame. A number is sent as a double where it has a unit: readings don't change their type. */
export function encodeEvent(event: DeviceEvent): Uint8Array {
  const { name, value, unit, measuredAtMs, isState = false } = event;
  const isReading = typeof value === 'number' && unit !== '';
  return encodePayload(Event, {
    name,
    unit,
    measuredAtMs: Math.floor(measuredAtMs),
    isState,
    ...(value === null ? {} : { value: isReading ? { kind: 'number', number: value } : toValue(value) }),
  });
}

/** An EVENT frame's payload. Throws `PayloadError`. */
export function decodeEvent(payload: Uint8Array): DeviceEvent {
  const { name, value, unit, measuredAtMs, isState, isWill } = decodePayload(Event, payload);
  const event = { name, value: fromValue(value), unit, measuredAtMs };
  return { ...event, ...(isState ? { isState } : {}), ...(isWill ? { isWill } : {}) };
}

/** Payload of a CAPABILITIES frame. */
export function encodeCapabilities(capabilities: DeviceCapabilities): Uint8Array {
  return encodePayload(Capabilities, capabilitiesShape(capabilities));
}

/** The version of Capabilities that this client writes and reads. */
const CAPABILITIES_VERSION = 1;

/** Capabilities as the generated code wants them, for HELLO. */
export function capabilitiesShape(capabilities: DeviceCapabilities): yggdrasil.v1.Capabilities.$Shape {
  const { platform, firmware, sensors, actuators, commands, sealKey } = capabilities;
  return {
    platform,
    firmware,
    sensors: [...sensors],
    actuators: [...actuators],
    commands: [...commands],
    ...(sealKey === undefined ? {} : { sealKey }),
    versions: [CAPABILITIES_VERSION],
  };
}

/** A CAPABILITIES frame's payload. Throws `PayloadError`. */
export function decodeCapabilities(payload: Uint8Array): DeviceCapabilities {
  const { platform, firmware, sensors, actuators, commands, sealKey } = decodePayload(Capabilities, payload);
  const known = { platform, firmware, sensors, actuators, commands };
  return sealKey.length === 0 ? known : { ...known, sealKey: sealKey.slice() };
}

/** Payload of a COMMAND frame. */
export function encodeCommand(command: DeviceCommand): Uint8Array {
  return encodePayload(Command, { name: command.name, arguments: toValues(command.arguments) });
}

/** A COMMAND frame's payload. Throws `PayloadError`. */
export function decodeCommand(payload: Uint8Array): DeviceCommand {
  const command = decodePayload(Command, payload);
  return { name: command.name, arguments: fromValues(command.arguments) };
}

/** Payload of a COMMAND_RESULT frame. */
export function encodeCommandResult(result: DeviceCommandResult): Uint8Array {
  const { error, values } = result;
  return encodePayload(CommandResult, {
    ...(error === null ? {} : { error: { code: errorCodeNumber(error.code), message: error.message } }),
    values: toValues(values),
  });
}

/** A COMMAND_RESULT frame's payload. Throws `PayloadError`. */
export function decodeCommandResult(payload: Uint8Array): DeviceCommandResult {
  const { error, values } = decodePayload(CommandResult, payload);
  return {
    error: error ? { code: errorCodeName(error.code ?? 0), message: error.message ?? '' } : null,
    values: fromValues(values),
  };
}

/** A DROPPED frame's payload. Throws `PayloadError`. */
export function decodeUndelivered(payload: Uint8Array): UndeliveredFrames {
  const { isSender, count, frameIds, sinceMs, atMs } = decodePayload(Dropped, payload);
  const ids = frameIds.map((id) => uuidFromBytes(id));
  return { end: isSender ? 'sender' : 'receiver', count, ids, sinceMs, atMs };
}

/** What an ERROR frame says. */
export interface DeviceError {
  readonly code: ErrorCodeName;
  readonly message: string;
  /** With `frame_replayed`: the last nonce that the server accepted; 0 otherwise. */
  readonly lastNonce: number;
}

/** An ERROR frame's payload. Throws `PayloadError`. */
export function decodeError(payload: Uint8Array): DeviceError {
  const { code, message, lastNonce } = decodePayload(ErrorPayload, payload);
  return { code: errorCodeName(code), message, lastNonce };
}
