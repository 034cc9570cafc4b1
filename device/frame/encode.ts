import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { Delivery, FrameType, parseUuid, type yggdrasil } from '../../proto/index.ts';
import {
  type DeviceEvent,
  encodeCapabilities,
  encodeCommand,
  encodeCommandResult,
  encodeEvent,
  type OutgoingFrame,
  type PlainValue,
} from '../client/index.ts';
import type { TYPE_NAMES } from './type-names.ts';

/** The options of `frame encode`, as commander reads them. */
export interface EncodeOptions {
  readonly type: (typeof TYPE_NAMES)[number];
  readonly name?: string;
  readonly boolean?: boolean;
  readonly number?: number;
  readonly text?: string;
  readonly unit?: string;
  readonly argument?: [string, PlainValue][];
  readonly to?: string;
  readonly answers?: string;
  readonly platform?: string;
  readonly firmware?: string;
  readonly sensor?: string[];
  readonly actuator?: string[];
  readonly command?: string[];
  readonly payload?: string;
  readonly transient?: boolean;
}

const TYPES: Readonly<Record<(typeof TYPE_NAMES)[number], yggdrasil.v1.FrameType>> = {
  event: FrameType.EVENT,
  command: FrameType.COMMAND,
  'command-result': FrameType.COMMAND_RESULT,
  capabilities: FrameType.CAPABILITIES,
  ping: FrameType.PING,
};

/** The frame that the options describe. Throws an InvalidArgumentError that names what is missing or doesn't fit. */
export function frameOf(options: EncodeOptions, nowMs: number): OutgoingFrame {
  const type = TYPES[options.type];
  if (type === FrameType.COMMAND && options.transient)
    throw new InvalidArgumentError('a command is always stored: leave --transient out');
  const isTransient = options.transient === true || type === FrameType.PING;
  return {
    type,
    delivery: isTransient ? Delivery.TRANSIENT : Delivery.STORED,
    payload: options.payload === undefined ? payloadOf(type, options, nowMs) : readFileSync(options.payload),
    destinationId: uuid(options.to, '--to', type === FrameType.COMMAND || type === FrameType.COMMAND_RESULT),
    correlationId: uuid(options.answers, '--answers', type === FrameType.COMMAND_RESULT),
  };
}

function payloadOf(type: yggdrasil.v1.FrameType, options: EncodeOptions, nowMs: number): Uint8Array {
  switch (type) {
    case FrameType.EVENT: {
      const event: DeviceEvent = {
        name: required(options.name, '--name'),
        value: eventValue(options),
        unit: options.unit ?? '',
        measuredAtMs: nowMs,
      };
      return encodeEvent(event);
    }
    case FrameType.COMMAND:
      return encodeCommand({
        name: required(options.name, '--name'),
        arguments: Object.fromEntries(options.argument ?? []),
      });
    case FrameType.CAPABILITIES:
      return encodeCapabilities({
        platform: options.platform ?? 'mosquitto',
        firmware: options.firmware ?? '',
        sensors: options.sensor ?? [],
        actuators: options.actuator ?? [],
        commands: options.command ?? [],
      });
    case FrameType.COMMAND_RESULT:
      return encodeCommandResult({ error: null, values: Object.fromEntries(options.argument ?? []) });
    default:
      return new Uint8Array(0);
  }
}

function eventValue({ boolean, number, text }: EncodeOptions): PlainValue {
  const values = [boolean, number, text].filter((value) => value !== undefined);
  const [value] = values;
  if (value === undefined || values.length > 1)
    throw new InvalidArgumentError('an event needs one of --number, --boolean, --text');
  return value;
}

function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new InvalidArgumentError(`${option} is missing`);
  return value;
}

function uuid(value: string | undefined, option: string, isRequired: boolean): string | null {
  if (value === undefined && !isRequired) return null;
  const id = parseUuid(required(value, option));
  if (id === null) throw new InvalidArgumentError(`${option} is not a UUID`);
  return id;
}
