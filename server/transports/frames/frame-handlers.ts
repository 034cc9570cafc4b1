import { Capabilities, Delivery, FrameType, type yggdrasil } from '../../../proto/index.ts';
import type { DeviceCapabilities } from '../../domains/devices/index.ts';
import { NIL_UUID, relayError } from '../../domains/relay/index.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import { ACTION_FRAME_HANDLERS, commandAnswered } from './action-frames.ts';
import { CONNECTION_FRAME_HANDLERS } from './connection-frames.ts';
import {
  acknowledgement,
  type FrameHandler,
  payloadOf,
  type ReceivedFrame,
  type SessionFrames,
} from './frame-handler.ts';
import { PATH_FRAME_HANDLERS } from './path-frames.ts';
import { readingIn } from './readings.ts';
import { ROUTE_FRAME_HANDLERS } from './route-frames.ts';
import { SHADOW_FRAME_HANDLERS } from './shadow-frames.ts';
import { UPDATE_FRAME_HANDLERS } from './update-frames.ts';

/** What a device says it can do, as the devices domain takes it. */
export const capabilitiesOf = ({
  platform,
  firmware,
  sensors,
  actuators,
  commands,
  sealKey,
}: yggdrasil.v1.Capabilities): DeviceCapabilities => ({
  platform,
  firmware,
  sensors,
  actuators,
  commands,
  ...(sealKey.length === 0 ? {} : { sealKey: Buffer.from(sealKey).toString('base64url') }),
});

const forward: FrameHandler = ({ relay }, { peer, frame, isRepetition }) => {
  const isStored = frame.header.delivery === Delivery.STORED;
  const forwarded = isRepetition ? relay.findKept(peer, frame) : relay.forward(peer, frame);
  if (typeof forwarded === 'number') return null;
  return forwarded.then((streamOffset) => (isStored ? acknowledgement(streamOffset) : null));
};

const announceCapabilities: FrameHandler = async (services, received) => {
  // Newer capabilities may be in force: those that come again don't replace them.
  if (received.isRepetition) return forward(services, received);
  const said = payloadOf(Capabilities, received.frame);
  services.devices.agreeOnCapabilities(said.versions);
  const capabilities = capabilitiesOf(said);
  services.devices.checkCapabilities(capabilities);
  const updated = services.devices.updateCapabilities(received.peer.actor, capabilities);
  return whenBothAreOver(forward(services, received), updated);
};

/** Forwards an event, and keeps the reading in it, and what it says of the device's state. */
const sendEvent: FrameHandler = (services, received) => {
  const { peer, frame, isRepetition } = received;
  const { networkId, delivery, madeByServer } = frame.header;
  const said = isRepetition ? null : readingIn(frame);
  const membership = peer.memberships.get(networkId as NetworkId);
  if (said === null || membership === undefined) return forward(services, received);
  const { deviceId } = peer.actor;
  const source = { networkId: membership.networkId, tenantId: membership.networkTenantId, deviceId };
  const forwarded = forward(services, received);
  const { reading, isState } = said;
  const kept = [services.readings.record(source, [reading])];
  if (isState) kept.push(services.shadows.report(source, { [reading.name]: reading.value }));
  const recorded = allOver(kept);
  // A device that signs is answered for its frame; whether its reading has a place in the history is not its business.
  if (!madeByServer || delivery !== Delivery.STORED) {
    recorded.catch(() => undefined);
    return forwarded;
  }
  return whenBothAreOver(forwarded, recorded);
};

/** Rejects with the first failure, once all are over. */
async function allOver(kept: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(kept);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Both are over before either's failure is told: a frame on its way to be kept can't come again. */
async function whenBothAreOver<Answer>(answer: Answer, kept: Promise<void>): Promise<Awaited<Answer>> {
  const [answered, outcome] = await Promise.allSettled([answer, kept]);
  if (answered.status === 'rejected') throw answered.reason;
  if (outcome.status === 'rejected') throw outcome.reason;
  return answered.value;
}

/** Forwards a result; one of a command of the server's own ends here. */
const sendResult: FrameHandler = (services, received) => {
  const { header } = received.frame;
  if (header.destinationId !== NIL_UUID) return forward(services, received);
  const { deviceId } = received.peer.actor;
  const result = received.frame.payload.slice();
  const { networkId, correlationId } = header;
  const isAwaited = services.commands.answered({ deviceId, networkId }, correlationId ?? '', result);
  const kept = isAwaited ? null : commandAnswered(services, received, result);
  const answer = header.delivery === Delivery.STORED ? acknowledgement(0) : null;
  return kept === null ? answer : kept.then(() => answer);
};

/** The session a frame belongs to. Refuses with `frame_type_unexpected` where the transport has none of its own. */
const sessionOf = ({ session }: ReceivedFrame): SessionFrames => {
  if (session === null) throw relayError('frame_type_unexpected');
  return session;
};

/** What is done with each type of frame. Its operation stands in `operations.ts`. */
export const FRAME_HANDLERS: ReadonlyMap<FrameType, FrameHandler> = new Map<FrameType, FrameHandler>([
  [FrameType.HELLO, (_, received) => sessionOf(received).hello(received.frame)],
  [
    FrameType.ACK,
    (_, received) => {
      sessionOf(received).acknowledge(received.frame);
      return null;
    },
  ],
  [FrameType.PING, () => ({ type: FrameType.PONG, payload: new Uint8Array(0) })],
  [FrameType.EVENT, sendEvent],
  [FrameType.CAPABILITIES, announceCapabilities],
  [FrameType.COMMAND, forward],
  [FrameType.COMMAND_RESULT, sendResult],
  [FrameType.ERROR, forward],
  [FrameType.SEALED, forward],
  ...CONNECTION_FRAME_HANDLERS,
  ...PATH_FRAME_HANDLERS,
  ...ROUTE_FRAME_HANDLERS,
  ...ACTION_FRAME_HANDLERS,
  ...SHADOW_FRAME_HANDLERS,
  ...UPDATE_FRAME_HANDLERS,
]);
