import {
  ConnectionAsk,
  ConnectionDecision,
  ConnectionEnd,
  ConnectionState,
  encodePayload,
  FrameType,
  PairState,
  toWholeCharacters,
  uuidFromBytes,
  uuidToBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import {
  ASK_WAIT_MS,
  ASK_WAIT_MS_MAX,
  type AskingIdentity,
  OPERATION_CHARACTERS_MAX,
  OPERATIONS_MAX,
  type Pairing,
  type PairingOutlet,
  type PairState as PairStateName,
  REASON_CHARACTERS_MAX,
  stateOf,
  WITHOUT_CONTROL,
} from '../../domains/pairings/index.ts';
import type { RelayService } from '../../domains/relay/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { type FrameAnswer, type FrameHandler, payloadOf } from './frame-handler.ts';

const STATES: Readonly<Record<PairStateName, yggdrasil.v1.PairState>> = {
  asked: PairState.PAIR_ASKED,
  allowed: PairState.PAIR_ALLOWED,
  denied: PairState.PAIR_DENIED,
  timed_out: PairState.PAIR_TIMED_OUT,
  closed: PairState.PAIR_CLOSED,
  used: PairState.PAIR_USED,
  expired: PairState.PAIR_EXPIRED,
};

/** How a connection stands, as a device is told. */
const statePayload = (pairing: Omit<Pairing, 'state'>, state: PairStateName): Uint8Array =>
  encodePayload(ConnectionState, {
    connectionId: uuidToBytes(pairing.id),
    sourceId: uuidToBytes(pairing.sourceId),
    targetId: uuidToBytes(pairing.targetId),
    state: STATES[state],
    reason: pairing.reason,
    operations: [...(pairing.permission.operations ?? [])],
    untilMs: pairing.permission.untilMs ?? 0,
    once: pairing.permission.once,
  });

const stateAnswer = (pairing: Omit<Pairing, 'state'> & { state: PairStateName }): FrameAnswer => ({
  type: FrameType.CONNECTION_STATE,
  payload: statePayload(pairing, pairing.state),
});

const askPayload = (pairing: Pairing, source: AskingIdentity): Uint8Array =>
  encodePayload(ConnectionAsk, {
    targetId: uuidToBytes(pairing.targetId),
    operations: [...(pairing.permission.operations ?? [])],
    reason: pairing.reason,
    connectionId: uuidToBytes(pairing.id),
    source: {
      id: uuidToBytes(source.deviceId),
      name: toWholeCharacters(source.name),
      kind: source.kind,
      owner: toWholeCharacters(source.owner),
      keyFingerprint: source.keyFingerprint ?? new Uint8Array(0),
    },
    expiresAtMs: pairing.askedUntilMs,
  });

/** The way to connected devices, by frames of the server's own. */
export function createPairingOutlet(relay: Pick<RelayService, 'tell'>, clock: Clock): PairingOutlet {
  return {
    ask: (pairing, source) => {
      const payload = askPayload(pairing, source);
      relay.tell(pairing.targetId, { type: FrameType.CONNECTION_ASK, networkId: pairing.networkId, payload });
    },
    tell: (deviceId, pairing) => {
      const payload = statePayload(pairing, stateOf(pairing, clock.nowMs()));
      relay.tell(deviceId, { type: FrameType.CONNECTION_STATE, networkId: pairing.networkId, payload });
    },
  };
}

const ask: FrameHandler = async ({ pairings }, { peer, frame }) => {
  const { networkId } = frame.header;
  const { targetId, waitMs, operations, reason } = payloadOf(ConnectionAsk, frame);
  if (waitMs > ASK_WAIT_MS_MAX)
    throw invalidInput(`A question stays open for ${ASK_WAIT_MS_MAX} ms at most.`);
  return stateAnswer(
    await pairings.ask(peer.actor, {
      networkId: networkId as NetworkId,
      sourceId: peer.actor.deviceId,
      targetId: asId<DeviceId>(uuidOf(targetId, 'device')),
      operations: operationsOf(operations),
      reason: reasonOf(reason),
      waitMs: waitMs || ASK_WAIT_MS,
    }),
  );
};

const decide: FrameHandler = async ({ pairings }, { peer, frame }) => {
  const { connectionId, allow, reason, operations, untilMs, once } = payloadOf(ConnectionDecision, frame);
  return stateAnswer(
    await pairings.decide(peer.actor, uuidOf(connectionId, 'connection'), {
      allow,
      reason: reasonOf(reason),
      operations: operationsOf(operations),
      untilMs: untilMs || null,
      once,
    }),
  );
};

const end: FrameHandler = async ({ pairings }, { peer, frame }) => {
  const { connectionId, reason } = payloadOf(ConnectionEnd, frame);
  return stateAnswer(await pairings.end(peer.actor, uuidOf(connectionId, 'connection'), reasonOf(reason)));
};

/** What is no id is nobody's. */
function uuidOf(bytes: Uint8Array, what: 'device' | 'connection'): string {
  if (bytes.length !== 16) throw notFound(what);
  return uuidFromBytes(bytes);
}

/** Null: anything. Refuses with `invalid_input`. */
function operationsOf(operations: readonly string[]): readonly string[] | null {
  if (operations.length === 0) return null;
  const isWrong = operations.some(
    (name) => name === '' || name.length > OPERATION_CHARACTERS_MAX || !WITHOUT_CONTROL.test(name),
  );
  if (isWrong || operations.length > OPERATIONS_MAX) {
    throw invalidInput(
      `Name ${OPERATIONS_MAX} operations at most, of 1 to ${OPERATION_CHARACTERS_MAX} characters, none of control.`,
    );
  }
  return operations;
}

function reasonOf(reason: string): string {
  if (reason.length <= REASON_CHARACTERS_MAX && WITHOUT_CONTROL.test(reason)) return reason;
  throw invalidInput(`A reason has ${REASON_CHARACTERS_MAX} characters at most, none of control.`);
}

/** The frames about connections between devices. */
export const CONNECTION_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.CONNECTION_ASK, ask],
  [FrameType.CONNECTION_DECISION, decide],
  [FrameType.CONNECTION_END, end],
];
