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

const forward: FrameHandler = ({ relay }, { peer, frame }) => {
  const isStored = frame.header.delivery === Delivery.STORED;
  const forwarded = relay.forward(peer, frame);
  if (typeof forwarded === 'number') return null;
  return forwarded.then((streamOffset) => (isStored ? acknowledgement(streamOffset) : null));
};

const announceCapabilities: FrameHandler = async (services, received) => {
  const capabilities = capabilitiesOf(payloadOf(Capabilities, received.frame));
  services.devices.checkCapabilities(capabilities);
  const kept = services.devices.updateCapabilities(received.peer.actor, capabilities);
  const [answer] = await Promise.all([forward(services, received), kept]);
  return answer;
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
