import type { FieldReader } from './field-reader.ts';
import { forbidden, malformed } from './reason-codes.ts';

/** What packets carry beside their fields (MQTT 5 section 2.2.2). */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  /** Several in a PUBLISH for a client of several subscriptions that match. */
  subscriptionIdentifier?: number | number[];
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: number;
  willDelayInterval?: number;
  requestResponseInformation?: number;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  userProperties?: [string, string][];
  maximumPacketSize?: number;
  sharedSubscriptionAvailable?: number;
}

type Name = keyof Properties;
type Kind = 'byte' | 'flag' | 'two' | 'four' | 'variable' | 'text' | 'binary' | 'pair';
/** A packet that clients send, or the will in a CONNECT. */
export type PropertyPlace =
  | 'connect'
  | 'will'
  | 'publish'
  | 'acknowledgement'
  | 'subscribe'
  | 'unsubscribe'
  | 'disconnect'
  | 'auth';

interface Definition {
  readonly id: number;
  readonly name: Name;
  readonly kind: Kind;
  /** Where clients may send it. */
  readonly places: readonly PropertyPlace[];
}

const EVERYWHERE: readonly PropertyPlace[] = [
  'connect',
  'will',
  'publish',
  'acknowledgement',
  'subscribe',
  'unsubscribe',
  'disconnect',
  'auth',
];
const MESSAGES = ['publish', 'will'] as const;

/** Section 2.2.2.2, as far as clients send them or this server does. */
const DEFINITIONS: readonly Definition[] = [
  { id: 0x01, name: 'payloadFormatIndicator', kind: 'flag', places: MESSAGES },
  { id: 0x02, name: 'messageExpiryInterval', kind: 'four', places: MESSAGES },
  { id: 0x03, name: 'contentType', kind: 'text', places: MESSAGES },
  { id: 0x08, name: 'responseTopic', kind: 'text', places: MESSAGES },
  { id: 0x09, name: 'correlationData', kind: 'binary', places: MESSAGES },
  { id: 0x0b, name: 'subscriptionIdentifier', kind: 'variable', places: ['publish', 'subscribe'] },
  { id: 0x11, name: 'sessionExpiryInterval', kind: 'four', places: ['connect', 'disconnect'] },
  { id: 0x12, name: 'assignedClientIdentifier', kind: 'text', places: [] },
  { id: 0x13, name: 'serverKeepAlive', kind: 'two', places: [] },
  { id: 0x15, name: 'authenticationMethod', kind: 'text', places: ['connect', 'auth'] },
  { id: 0x16, name: 'authenticationData', kind: 'binary', places: ['connect', 'auth'] },
  { id: 0x17, name: 'requestProblemInformation', kind: 'flag', places: ['connect'] },
  { id: 0x18, name: 'willDelayInterval', kind: 'four', places: ['will'] },
  { id: 0x19, name: 'requestResponseInformation', kind: 'flag', places: ['connect'] },
  { id: 0x1f, name: 'reasonString', kind: 'text', places: ['acknowledgement', 'disconnect', 'auth'] },
  { id: 0x21, name: 'receiveMaximum', kind: 'two', places: ['connect'] },
  { id: 0x22, name: 'topicAliasMaximum', kind: 'two', places: ['connect'] },
  { id: 0x23, name: 'topicAlias', kind: 'two', places: ['publish'] },
  { id: 0x26, name: 'userProperties', kind: 'pair', places: EVERYWHERE },
  { id: 0x27, name: 'maximumPacketSize', kind: 'four', places: ['connect'] },
  { id: 0x2a, name: 'sharedSubscriptionAvailable', kind: 'byte', places: [] },
];

const BY_ID = new Map(DEFINITIONS.map((definition) => [definition.id, definition]));
const BY_NAME = new Map(DEFINITIONS.map((definition) => [definition.name, definition]));

/**
 * The properties of a packet; undefined where it has none. An identifier that doesn't belong there is a malformed packet; one
 * that comes twice, and a flag that is none, a protocol error (section 2.2.2.2).
 */
export function readProperties(reader: FieldReader, place: PropertyPlace): Properties | undefined {
  const part = reader.part(reader.variableByteInteger());
  if (part.left === 0) return undefined;
  const properties: Properties = {};
  while (part.left > 0) {
    const definition = BY_ID.get(part.variableByteInteger());
    if (definition === undefined || !definition.places.includes(place)) {
      throw malformed('a property that does not belong into its packet');
    }
    const { name, kind } = definition;
    if (kind === 'pair') {
      properties.userProperties ??= [];
      properties.userProperties.push([part.text('a user property'), part.text('a user property')]);
      continue;
    }
    if (properties[name] !== undefined) throw forbidden(`the property ${name} twice`);
    Object.assign(properties, { [name]: readValue(part, definition) });
  }
  return properties;
}

function readValue(reader: FieldReader, { kind, name }: Definition): number | string | Buffer {
  switch (kind) {
    case 'byte':
      return reader.byte();
    case 'flag': {
      const value = reader.byte();
      if (value > 1) throw forbidden(`${name} is neither 0 nor 1`);
      return value;
    }
    case 'two':
      return reader.twoBytes();
    case 'four':
      return reader.fourBytes();
    case 'variable':
      return reader.variableByteInteger();
    case 'text':
      return reader.text(`the property ${name}`);
    default:
      // A copy: the packet it stands in is larger, and goes.
      return Buffer.from(reader.binary());
  }
}

const NO_PROPERTIES = Buffer.from([0]);

/** Properties with their length, as they stand in a packet. Those that are undefined are left out. */
export function encodeProperties(properties: Readonly<Properties> | undefined): Buffer {
  if (properties === undefined) return NO_PROPERTIES;
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(properties)) {
    const definition = BY_NAME.get(name as Name);
    if (definition === undefined || value === undefined) continue;
    const { id, kind } = definition;
    if (kind === 'pair') {
      for (const [key, text] of value as [string, string][])
        parts.push(Buffer.from([id]), field(key), field(text));
    } else {
      const values = Array.isArray(value) ? (value as number[]) : [value as number | string | Buffer];
      for (const one of values) parts.push(Buffer.from([id]), encodeValue(kind, one));
    }
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([variableByteInteger(body.length), body]);
}

function encodeValue(kind: Kind, value: number | string | Buffer): Buffer {
  if (typeof value !== 'number') return field(value);
  if (kind === 'variable') return variableByteInteger(value);
  const bytes = Buffer.allocUnsafe(kind === 'four' ? 4 : kind === 'two' ? 2 : 1);
  bytes.writeUIntBE(value, 0, bytes.length);
  return bytes;
}

/** A text or bytes, with two bytes of length before. */
export function field(content: string | Uint8Array): Buffer {
  const length = Buffer.byteLength(content);
  const bytes = Buffer.allocUnsafe(2 + length);
  bytes.writeUInt16BE(length);
  if (typeof content === 'string') bytes.write(content, 2);
  else bytes.set(content, 2);
  return bytes;
}

/** Section 1.5.5. */
export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}
