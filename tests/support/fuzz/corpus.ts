import {
  Ack,
  Capabilities,
  Command,
  CommandResult,
  ComputeCancel,
  ComputeChunk,
  ComputeRequest,
  ComputeResult,
  Delivery,
  ErrorPayload,
  Event,
  encodePayload,
  FrameType,
  Hello,
  ProviderOffer,
  ProviderWithdraw,
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
  [FrameType.COMPUTE_REQUEST, ComputeRequest, encodePayload(ComputeRequest, { requestId, model: 'oracle' })],
  [FrameType.COMPUTE_CHUNK, ComputeChunk, encodePayload(ComputeChunk, { requestId, index: 0, text: 'The' })],
  [
    FrameType.COMPUTE_RESULT,
    ComputeResult,
    encodePayload(ComputeResult, { requestId, finishReason: 'stop', promptTokens: 3, completionTokens: 4 }),
  ],
  [FrameType.COMPUTE_CANCEL, ComputeCancel, encodePayload(ComputeCancel, { requestId })],
  [
    FrameType.PROVIDER_OFFER,
    ProviderOffer,
    encodePayload(ProviderOffer, {
      slots: 2,
      models: [{ name: 'oracle', priceCentsPer_1000Tokens: 5, contextTokens: 4_096 }],
    }),
  ],
  [FrameType.PROVIDER_WITHDRAW, ProviderWithdraw, encodePayload(ProviderWithdraw, {})],
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
