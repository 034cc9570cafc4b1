import { Capabilities, Delivery, FrameType, type yggdrasil } from '../../../proto/index.ts';
import type { DeviceCapabilities } from '../../domains/devices/index.ts';
import { relayError } from '../../domains/relay/index.ts';
import {
  acknowledgement,
  type FrameHandler,
  payloadOf,
  type ReceivedFrame,
  type SessionFrames,
} from './frame-handler.ts';
import { PROVIDER_FRAME_HANDLERS } from './provider-frames.ts';

/** What a device says it can do, as the devices domain takes it. */
export const capabilitiesOf = ({
  platform,
  firmware,
  sensors,
  actuators,
  commands,
}: yggdrasil.v1.Capabilities): DeviceCapabilities => ({ platform, firmware, sensors, actuators, commands });

const forward: FrameHandler = ({ relay }, { peer, frame, isRepetition }) => {
  const isStored = frame.header.delivery === Delivery.STORED;
  const forwarded = isRepetition ? relay.findKept(peer, frame) : relay.forward(peer, frame);
  if (typeof forwarded === 'number') return null;
  return forwarded.then((streamOffset) => (isStored ? acknowledgement(streamOffset) : null));
};

const announceCapabilities: FrameHandler = async (services, received) => {
  // Newer capabilities may be in force: those that come again don't replace them.
  if (received.isRepetition) return forward(services, received);
  const capabilities = capabilitiesOf(payloadOf(Capabilities, received.frame));
  services.devices.checkCapabilities(capabilities);
  const updated = services.devices.updateCapabilities(received.peer.actor, capabilities);
  // Both are over before either's failure is told: a frame on its way to be kept can't come again.
  const [forwarded, kept] = await Promise.allSettled([forward(services, received), updated]);
  if (forwarded.status === 'rejected') throw forwarded.reason;
  if (kept.status === 'rejected') throw kept.reason;
  return forwarded.value;
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
  [FrameType.EVENT, forward],
  [FrameType.CAPABILITIES, announceCapabilities],
  [FrameType.COMMAND, forward],
  [FrameType.COMMAND_RESULT, forward],
  [FrameType.ERROR, forward],
  ...PROVIDER_FRAME_HANDLERS,
]);
