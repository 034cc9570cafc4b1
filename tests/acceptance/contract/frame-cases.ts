import {
  Ack,
  Command,
  ConnectionAsk,
  ConnectionDecision,
  ConnectionEnd,
  Delivery,
  DirectAnswer,
  DirectOffer,
  DirectReport,
  Event,
  encodePayload,
  type FrameHeaderInit,
  FrameType,
  RouteQuery,
  Sealed,
  ShadowReport,
  ThorAction,
  ThorCancel,
  ThorCredit,
  ThorResult,
  UpdateReport,
  UpdateRequest,
  UpdateState,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { World } from '../../support/world.ts';

/** A frame a device of `world.alice` sends that is genuine, and refused with this code. */
export interface FrameCase {
  readonly refused: (world: World) => { header: Partial<FrameHeaderInit>; payload: Uint8Array };
  readonly code: string;
}

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';
const BROKEN = new Uint8Array([0x0a, 0xff]);

/** By type, for every type a device may send in an open session. A type that is missing fails the architecture test. */
export const FRAME_CASES: ReadonlyMap<FrameType, FrameCase> = new Map<FrameType, FrameCase>([
  [FrameType.HELLO, { refused: () => ({ header: {}, payload: BROKEN }), code: 'frame_type_unexpected' }],
  [
    FrameType.ACK,
    {
      refused: () => ({ header: {}, payload: encodePayload(Ack, { offset: 1_000_000 }) }),
      code: 'invalid_input',
    },
  ],
  [
    FrameType.PING,
    { refused: () => ({ header: { nonce: 0 }, payload: new Uint8Array(0) }), code: 'frame_replayed' },
  ],
  [
    FrameType.EVENT,
    {
      refused: ({ bob }) => ({
        header: { destinationId: bob.device.deviceId },
        payload: encodePayload(Event, { name: 'x' }),
      }),
      code: 'frame_destination_unknown',
    },
  ],
  [
    FrameType.CAPABILITIES,
    { refused: () => ({ header: {}, payload: BROKEN }), code: 'frame_payload_malformed' },
  ],
  [
    FrameType.COMMAND,
    {
      refused: ({ bob }) => ({
        header: { delivery: Delivery.STORED, destinationId: bob.device.deviceId },
        payload: encodePayload(Command, { name: 'led.set' }),
      }),
      code: 'frame_destination_unknown',
    },
  ],
  [
    FrameType.COMMAND_RESULT,
    {
      refused: () => ({
        header: { delivery: Delivery.STORED, destinationId: UNKNOWN_ID },
        payload: new Uint8Array(0),
      }),
      code: 'frame_destination_unknown',
    },
  ],
  [
    FrameType.ERROR,
    { refused: () => ({ header: {}, payload: new Uint8Array(0) }), code: 'frame_destination_unknown' },
  ],
  [
    FrameType.SEALED,
    {
      refused: ({ bob }) => ({
        header: { delivery: Delivery.STORED, destinationId: bob.device.deviceId },
        payload: encodePayload(Sealed, { type: FrameType.COMMAND }),
      }),
      code: 'frame_destination_unknown',
    },
  ],
  [
    FrameType.CONNECTION_ASK,
    {
      refused: ({ bob }) => ({
        header: {},
        payload: encodePayload(ConnectionAsk, { targetId: uuidToBytes(bob.device.deviceId) }),
      }),
      code: 'device_not_found',
    },
  ],
  [
    FrameType.CONNECTION_DECISION,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(ConnectionDecision, { connectionId: uuidToBytes(UNKNOWN_ID), allow: true }),
      }),
      code: 'connection_not_found',
    },
  ],
  [
    FrameType.CONNECTION_END,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(ConnectionEnd, { connectionId: uuidToBytes(UNKNOWN_ID) }),
      }),
      code: 'connection_not_found',
    },
  ],
  [
    FrameType.ROUTE_QUERY,
    {
      refused: ({ bob }) => ({
        header: {},
        payload: encodePayload(RouteQuery, { targetId: uuidToBytes(bob.device.deviceId) }),
      }),
      code: 'device_not_found',
    },
  ],
  [
    FrameType.DIRECT_OFFER,
    {
      refused: ({ bob }) => ({
        header: {},
        payload: encodePayload(DirectOffer, {
          targetId: uuidToBytes(bob.device.deviceId),
          fingerprint: new Uint8Array(32),
        }),
      }),
      code: 'device_not_found',
    },
  ],
  [
    FrameType.DIRECT_ANSWER,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(DirectAnswer, { pathId: uuidToBytes(UNKNOWN_ID) }),
      }),
      code: 'direct_path_not_found',
    },
  ],
  [
    FrameType.DIRECT_REPORT,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(DirectReport, { pathId: uuidToBytes(UNKNOWN_ID) }),
      }),
      code: 'direct_path_not_found',
    },
  ],
  [
    FrameType.THOR_ACTION,
    {
      refused: ({ bob }) => ({
        header: {},
        payload: encodePayload(ThorAction, {
          actionId: uuidToBytes(UNKNOWN_ID),
          targetId: uuidToBytes(bob.device.deviceId),
          name: 'led.blink',
        }),
      }),
      code: 'device_not_found',
    },
  ],
  [
    FrameType.THOR_RESULT,
    {
      refused: () => ({
        header: { delivery: Delivery.STORED },
        payload: encodePayload(ThorResult, { actionId: uuidToBytes(UNKNOWN_ID), position: 1, begun: {} }),
      }),
      code: 'action_not_found',
    },
  ],
  [
    FrameType.THOR_CREDIT,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(ThorCredit, { actionId: uuidToBytes(UNKNOWN_ID), until: 64 }),
      }),
      code: 'action_not_found',
    },
  ],
  [
    FrameType.THOR_CANCEL,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(ThorCancel, { actionId: uuidToBytes(UNKNOWN_ID) }),
      }),
      code: 'action_not_found',
    },
  ],
  // They name nobody but the sender: what is wrong is its nonce, or what it says.
  [
    FrameType.SHADOW_QUERY,
    { refused: () => ({ header: { nonce: 0 }, payload: new Uint8Array(0) }), code: 'frame_replayed' },
  ],
  [
    FrameType.SHADOW_REPORT,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(ShadowReport, { state: { led: { boolean: true } }, version: 1_000 }),
      }),
      code: 'conflict',
    },
  ],
  [
    FrameType.UPDATE_REQUEST,
    {
      refused: () => ({
        header: {},
        payload: encodePayload(UpdateRequest, { rolloutId: uuidToBytes(UNKNOWN_ID), offset: 0, length: 1 }),
      }),
      code: 'rollout_not_found',
    },
  ],
  [
    FrameType.UPDATE_REPORT,
    {
      refused: () => ({
        header: { delivery: Delivery.STORED },
        payload: encodePayload(UpdateReport, {
          rolloutId: uuidToBytes(UNKNOWN_ID),
          state: UpdateState.UPDATE_UPDATED,
        }),
      }),
      code: 'rollout_not_found',
    },
  ],
]);
