import {
  Ack,
  BusinessRequest,
  Capabilities,
  Command,
  CommandResult,
  ComputeAlive,
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  ComputeDelta,
  ComputeRequest,
  ComputeResult,
  ConnectionRequest,
  Delivery,
  Disconnect,
  ErrorPayload,
  Event,
  encodePayload,
  FrameType,
  Heartbeat,
  Hello,
  ProviderRegistration,
  RatatoskrType,
  StreamCredit,
  StreamData,
  Welcome,
} from '../../../proto/index.ts';
import { uuid } from '../frames.ts';

const requestId = Buffer.from(uuid(77).replaceAll('-', ''), 'hex');

/** Every message that a frame may carry, by the frame's type, and one example of it. */
export const MESSAGES = [
  [FrameType.HELLO, Hello, encodePayload(Hello, { resume: { epoch: uuid(9), offset: 4 } })],
  [
    FrameType.WELCOME,
    Welcome,
    encodePayload(Welcome, { sessionId: uuid(8), head: { epoch: uuid(9), offset: 4 } }),
  ],
  [FrameType.ACK, Ack, encodePayload(Ack, { offset: 3 })],
  [FrameType.ERROR, ErrorPayload, encodePayload(ErrorPayload, { code: 1, message: 'no', lastNonce: 5 })],
  [FrameType.CAPABILITIES, Capabilities, encodePayload(Capabilities, {})],
  [
    FrameType.EVENT,
    Event,
    encodePayload(Event, { name: 'temperature', value: { number: 21.5 }, unit: 'celsius' }),
  ],
  [
    FrameType.COMMAND,
    Command,
    encodePayload(Command, { name: 'switch', arguments: { on: { boolean: true } } }),
  ],
  [FrameType.COMMAND_RESULT, CommandResult, encodePayload(CommandResult, {})],
] as const;

/** What providers and the server say to each other. */
export const WORK_MESSAGES = [
  [
    RatatoskrType.COMPUTE_REQUEST,
    ComputeRequest,
    encodePayload(ComputeRequest, { requestId, model: 'oracle' }),
  ],
  [RatatoskrType.COMPUTE_BODY, ComputeBody, encodePayload(ComputeBody, { requestId })],
  [RatatoskrType.COMPUTE_CREDIT, ComputeCredit, encodePayload(ComputeCredit, { requestId, bytes: 1_000 })],
  [
    RatatoskrType.COMPUTE_DELTA,
    ComputeDelta,
    encodePayload(ComputeDelta, { requestId, index: 0, fields: Buffer.from('{"content":"The"}') }),
  ],
  [RatatoskrType.COMPUTE_ALIVE, ComputeAlive, encodePayload(ComputeAlive, { requestId })],
  [
    RatatoskrType.COMPUTE_RESULT,
    ComputeResult,
    encodePayload(ComputeResult, {
      requestId,
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 4 },
    }),
  ],
  [RatatoskrType.COMPUTE_CANCEL, ComputeCancel, encodePayload(ComputeCancel, { requestId })],
  [
    RatatoskrType.PROVIDER_REGISTRATION,
    ProviderRegistration,
    encodePayload(ProviderRegistration, {
      offer: { slots: 2, models: [{ name: 'oracle', priceCents: '5', contextTokens: 4_096 }] },
    }),
  ],
] as const;

/** What a client and the server say to each other in a session beside that. */
export const SESSION_MESSAGES = [
  [
    RatatoskrType.CONNECTION_REQUEST,
    ConnectionRequest,
    encodePayload(ConnectionRequest, { token: 'ygu_token', tenantId: uuid(8) }),
  ],
  [
    RatatoskrType.BUSINESS_REQUEST,
    BusinessRequest,
    encodePayload(BusinessRequest, {
      operation: 'devices.list',
      input: Buffer.from('{"query":{"limit":5}}'),
    }),
  ],
  [
    RatatoskrType.STREAM_DATA,
    StreamData,
    encodePayload(StreamData, { request: 2, data: Buffer.from('more'), last: true }),
  ],
  [RatatoskrType.STREAM_CREDIT, StreamCredit, encodePayload(StreamCredit, { request: 2, bytes: 1_000 })],
  [RatatoskrType.HEARTBEAT, Heartbeat, encodePayload(Heartbeat, { serverTimeMs: 1_700_000_000_000 })],
  [RatatoskrType.DISCONNECT, Disconnect, encodePayload(Disconnect, { code: 5, message: 'over' })],
] as const;

export const DELIVERIES = [Delivery.TRANSIENT, Delivery.STORED] as const;

/** A field of MQTT: two bytes of length and the text. */
function field(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(first: number, ...body: Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  const length = content.length;
  const bytes = length < 128 ? [length] : [(length % 128) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([first, ...bytes]), content]);
}

/** Packets of MQTT 3.1.1 as a device sends them. */
export function mqttPackets(deviceId: string, token: string, frame: Uint8Array) {
  const up = field(`bifrost/v1/${deviceId}/up`);
  const down = field(`bifrost/v1/${deviceId}/down`);
  const id = Buffer.from([0, 7]);
  const connect = packet(
    0x10,
    field('MQTT'),
    Buffer.from([4, 0xc2, 0, 60]),
    field(deviceId),
    field(deviceId),
    field(token),
  );
  const others = [
    packet(0x82, id, down, Buffer.from([1])),
    packet(0xa2, id, down),
    packet(0x32, up, id, frame),
    packet(0x30, up, frame),
    packet(0x34, up, id, frame),
    packet(0x62, id),
    packet(0x40, id),
    packet(0xc0),
    packet(0xe0),
  ];
  return { connect, others };
}

/** Packets of MQTT 5 as a client sends them after CONNECT, with properties of every kind. */
export function mqtt5Packets(): Buffer[] {
  const id = Buffer.from([0, 7]);
  const properties = (...parts: Uint8Array[]): Buffer => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([content.length]), content]);
  };
  const user = Buffer.concat([Buffer.from([0x26]), field('key'), field('value')]);
  const reason = Buffer.concat([Buffer.from([0x1f]), field('why')]);
  const message = [
    Buffer.from([0x01, 1, 0x02, 0, 0, 0, 9, 0x23, 0, 1, 0x08]),
    field('answers'),
    Buffer.from([0x09]),
    field('data'),
    user,
  ];
  return [
    packet(0x30, field('a/b'), properties(...message), Buffer.from('payload')),
    packet(0x34, field('a/b'), id, properties(user), Buffer.from('payload')),
    packet(0x82, id, properties(Buffer.from([0x0b, 0x81, 1]), user), field('a/#'), Buffer.from([0x2d])),
    packet(0xa2, id, properties(user), field('a/#'), field('b')),
    packet(0x40, id, Buffer.from([0x10]), properties(reason)),
    packet(0x62, id, Buffer.from([0x92]), properties(reason, user)),
    packet(0xc0),
    packet(0xe0, Buffer.from([0x04]), properties(Buffer.from([0x11, 0, 0, 0, 5]), reason)),
  ];
}
