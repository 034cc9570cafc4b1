import { PACKET_TYPE } from '../packet-rules.ts';
import type { Qos } from '../tree-types.ts';
import { FieldReader } from './field-reader.ts';
import { type Properties, readProperties } from './properties.ts';
import { forbidden, Mqtt5Fault, malformed, REASON } from './reason-codes.ts';

export interface Mqtt5Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: Properties | undefined;
}

export interface Mqtt5Connect {
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly properties: Properties;
  readonly will: Mqtt5Will | undefined;
  readonly username: string;
  readonly password: Uint8Array;
}

export interface Mqtt5Publish {
  readonly cmd: 'publish';
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 with QoS 0. */
  readonly messageId: number;
  readonly properties: Properties | undefined;
}

/** Of a filter in SUBSCRIBE (section 3.8.3.1): QoS, no local, retain as published, retain handling. */
export interface Mqtt5Subscription {
  readonly topic: string;
  readonly qos: Qos;
  readonly nl: boolean;
  readonly rap: boolean;
  readonly rh: number;
  readonly subscriptionIdentifier?: number;
}

export type Mqtt5Packet =
  | Mqtt5Publish
  | {
      readonly cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
      readonly messageId: number;
      readonly reasonCode: number;
    }
  | { readonly cmd: 'subscribe'; readonly messageId: number; readonly subscriptions: Mqtt5Subscription[] }
  | { readonly cmd: 'unsubscribe'; readonly messageId: number; readonly filters: string[] }
  | { readonly cmd: 'pingreq' }
  | {
      readonly cmd: 'disconnect';
      readonly reasonCode: number;
      readonly sessionExpirySeconds: number | undefined;
    };

const ACKNOWLEDGEMENTS = {
  [PACKET_TYPE.puback]: 'puback',
  [PACKET_TYPE.pubrec]: 'pubrec',
  [PACKET_TYPE.pubrel]: 'pubrel',
  [PACKET_TYPE.pubcomp]: 'pubcomp',
} as const;

/** AUTH, which this server has no use for (section 3.15). */
const AUTH = 15;

/** What a packet's first byte alone has wrong (section 2.1). */
export function checkFirstByte(first: number): void {
  const type = first >> 4;
  const flags = first & 15;
  if (type === PACKET_TYPE.publish) {
    if ((flags & 6) === 6) throw malformed('PUBLISH with QoS 3 [MQTT-3.3.1-4]');
    if ((flags & 6) === 0 && (flags & 8) !== 0) throw malformed('PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]');
    return;
  }
  if (type === 0) throw malformed('a packet of the reserved type 0');
  if (type === PACKET_TYPE.connect) throw forbidden('a second CONNECT [MQTT-3.1.0-2]');
  if (type === AUTH) throw forbidden('AUTH without an authentication method [MQTT-4.12.0-1]');
  const hasFlag =
    type === PACKET_TYPE.pubrel || type === PACKET_TYPE.subscribe || type === PACKET_TYPE.unsubscribe;
  const isKnown = hasFlag || type in ACKNOWLEDGEMENTS || type === PACKET_TYPE.pingreq;
  if (!isKnown && type !== PACKET_TYPE.disconnect) throw forbidden("a packet that clients don't send");
  if (flags !== (hasFlag ? 2 : 0)) throw malformed('reserved flags [MQTT-2.1.3-1]');
}

/** A packet of a client that is connected, of a first byte that was checked. Throws `Mqtt5Fault`. */
export function readPacket(first: number, body: Buffer): Mqtt5Packet {
  const reader = new FieldReader(body);
  const type = first >> 4;
  switch (type) {
    case PACKET_TYPE.publish:
      return readPublish(first, reader);
    case PACKET_TYPE.subscribe:
      return readSubscribe(reader);
    case PACKET_TYPE.unsubscribe:
      return readUnsubscribe(reader);
    case PACKET_TYPE.pingreq:
      requireEnd(reader);
      return { cmd: 'pingreq' };
    case PACKET_TYPE.disconnect:
      return readDisconnect(reader);
    default:
      return readAcknowledgement(ACKNOWLEDGEMENTS[type as keyof typeof ACKNOWLEDGEMENTS], reader);
  }
}

/** CONNECT behind its protocol level (section 3.1). Throws `Mqtt5Fault`. */
export function readConnect(reader: FieldReader): Mqtt5Connect {
  const flags = reader.byte();
  if ((flags & 1) !== 0) throw malformed('the reserved flag of CONNECT [MQTT-3.1.2-3]');
  const hasWill = (flags & 0x04) !== 0;
  const willQos = (flags >> 3) & 3;
  if (!hasWill && (flags & 0x38) !== 0) throw malformed('flags of a will that is none [MQTT-3.1.2-11]');
  if (willQos === 3) throw malformed('a will with QoS 3 [MQTT-3.1.2-12]');
  const keepAliveSeconds = reader.twoBytes();
  const properties = readProperties(reader, 'connect') ?? {};
  const clientId = reader.text('a client id');
  const will = hasWill ? readWill(reader, willQos as Qos, (flags & 0x20) !== 0) : undefined;
  const username = (flags & 0x80) === 0 ? '' : reader.text('a user name');
  const password = (flags & 0x40) === 0 ? new Uint8Array() : reader.binary();
  requireEnd(reader);
  if (properties.receiveMaximum === 0) throw forbidden('a receive maximum of 0');
  if (properties.maximumPacketSize === 0) throw forbidden('a maximum packet size of 0');
  if (properties.authenticationMethod !== undefined)
    throw new Mqtt5Fault(REASON.badAuthenticationMethod, 'enhanced authentication is not offered');
  if (properties.authenticationData !== undefined) throw forbidden('authentication data without a method');
  const cleanStart = (flags & 2) !== 0;
  return { clientId, cleanStart, keepAliveSeconds, properties, will, username, password };
}

function readWill(reader: FieldReader, qos: Qos, retain: boolean): Mqtt5Will {
  const properties = readProperties(reader, 'will');
  const topic = reader.text('a will topic');
  const payload = Buffer.from(reader.binary());
  checkTopic(topic);
  checkResponseTopic(properties);
  return { topic, payload, qos, retain, properties };
}

function readPublish(first: number, reader: FieldReader): Mqtt5Publish {
  const qos = ((first >> 1) & 3) as Qos;
  const topic = reader.text('a topic');
  const messageId = qos === 0 ? 0 : readMessageId(reader);
  const properties = readProperties(reader, 'publish');
  if (topic === '' && properties?.topicAlias === undefined)
    throw forbidden('no topic and no alias of one [MQTT-3.3.2-8]');
  if (topic !== '') checkTopic(topic);
  checkResponseTopic(properties);
  if (properties?.subscriptionIdentifier !== undefined)
    throw forbidden('a subscription identifier of a client [MQTT-3.3.4-6]');
  const dup = (first & 8) !== 0;
  return {
    cmd: 'publish',
    topic,
    payload: reader.rest(),
    qos,
    retain: (first & 1) !== 0,
    dup,
    messageId,
    properties,
  };
}

function checkTopic(topic: string): void {
  if (topic === '') throw forbidden('an empty topic [MQTT-4.7.3-1]');
  if (/[#+]/.test(topic))
    throw new Mqtt5Fault(REASON.topicNameInvalid, 'a topic with a wildcard [MQTT-3.3.2-2]');
}

function checkResponseTopic(properties: Properties | undefined): void {
  const { responseTopic } = properties ?? {};
  if (responseTopic !== undefined && (responseTopic === '' || /[#+]/.test(responseTopic)))
    throw forbidden('a response topic with a wildcard [MQTT-3.3.2-14]');
}

function readSubscribe(reader: FieldReader): Mqtt5Packet {
  const messageId = readMessageId(reader);
  const { subscriptionIdentifier } = readProperties(reader, 'subscribe') ?? {};
  if (subscriptionIdentifier === 0) throw forbidden('the subscription identifier 0');
  if (reader.left === 0) throw forbidden('no topic filter [MQTT-3.8.3-2]');
  const subscriptions: Mqtt5Subscription[] = [];
  while (reader.left > 0) {
    const topic = reader.text('a topic filter');
    const options = reader.byte();
    if ((options & 0xc0) !== 0) throw malformed('reserved subscription options [MQTT-3.8.3-5]');
    const qos = options & 3;
    const rh = (options >> 4) & 3;
    const nl = (options & 4) !== 0;
    if (qos === 3) throw forbidden('a subscription with QoS 3');
    if (rh === 3) throw forbidden('the retain handling 3');
    if (nl && topic.startsWith('$share/'))
      throw forbidden('a shared subscription with no local [MQTT-3.8.3-4]');
    const subscription = { topic, qos: qos as Qos, nl, rap: (options & 8) !== 0, rh };
    subscriptions.push(
      typeof subscriptionIdentifier === 'number' ? { ...subscription, subscriptionIdentifier } : subscription,
    );
  }
  return { cmd: 'subscribe', messageId, subscriptions };
}

function readUnsubscribe(reader: FieldReader): Mqtt5Packet {
  const messageId = readMessageId(reader);
  readProperties(reader, 'unsubscribe');
  if (reader.left === 0) throw forbidden('no topic filter [MQTT-3.10.3-2]');
  const filters: string[] = [];
  while (reader.left > 0) filters.push(reader.text('a topic filter'));
  return { cmd: 'unsubscribe', messageId, filters };
}

type Acknowledgement = (typeof ACKNOWLEDGEMENTS)[keyof typeof ACKNOWLEDGEMENTS];

/** Reason code and properties may be left out (section 3.4.2.1). */
function readAcknowledgement(cmd: Acknowledgement, reader: FieldReader): Mqtt5Packet {
  const messageId = readMessageId(reader);
  const reasonCode = reader.left === 0 ? REASON.success : reader.byte();
  if (!ACKNOWLEDGEMENT_CODES[cmd].includes(reasonCode))
    throw forbidden(`${cmd} with a reason code it has not`);
  if (reader.left > 0) readProperties(reader, 'acknowledgement');
  requireEnd(reader);
  return { cmd, messageId, reasonCode };
}

const RECEIVED_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const RELEASED_CODES = [0x00, 0x92];
/** Sections 3.4.2.1, 3.5.2.1, 3.6.2.1 and 3.7.2.1. */
const ACKNOWLEDGEMENT_CODES: Readonly<Record<Acknowledgement, readonly number[]>> = {
  puback: RECEIVED_CODES,
  pubrec: RECEIVED_CODES,
  pubrel: RELEASED_CODES,
  pubcomp: RELEASED_CODES,
};

/** Section 3.14.2.1: those that clients send. */
const DISCONNECT_CODES = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

function readDisconnect(reader: FieldReader): Mqtt5Packet {
  const reasonCode = reader.left === 0 ? REASON.success : reader.byte();
  if (!DISCONNECT_CODES.includes(reasonCode)) throw forbidden('DISCONNECT with a reason code it has not');
  const properties = reader.left === 0 ? undefined : readProperties(reader, 'disconnect');
  requireEnd(reader);
  return { cmd: 'disconnect', reasonCode, sessionExpirySeconds: properties?.sessionExpiryInterval };
}

function readMessageId(reader: FieldReader): number {
  const messageId = reader.twoBytes();
  if (messageId === 0) throw forbidden('the packet identifier 0 [MQTT-2.2.1-3]');
  return messageId;
}

function requireEnd(reader: FieldReader): void {
  if (reader.left > 0) throw malformed('bytes behind a packet');
}
