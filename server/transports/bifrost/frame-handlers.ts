import { Capabilities, Delivery, FrameType, type yggdrasil } from '../../../proto/index.ts';
import type { DeviceCapabilities } from '../../domains/devices/index.ts';
import { relayError } from '../../domains/relay/index.ts';
import {
  acknowledgement,
  type FrameAnswer,
  type FrameHandler,
  type FrameServices,
  payloadOf,
  type ReceivedFrame,
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

const forward: FrameHandler = async ({ relay }, { peer, frame }) => {
  const streamOffset = await relay.forward(peer, frame);
  return frame.header.delivery === Delivery.STORED ? acknowledgement(streamOffset) : null;
};

const announceCapabilities: FrameHandler = async (services, received) => {
  const capabilities = capabilitiesOf(payloadOf(Capabilities, received.frame));
  services.devices.checkCapabilities(capabilities);
  const kept = services.devices.updateCapabilities(received.peer.actor, capabilities);
  const [answer] = await Promise.all([forward(services, received), kept]);
  return answer;
};

/**
 * Every type of frame a device may send in an open session, on any transport. HELLO, ACK and PING belong to the
 * WebSocket session itself (`connection.ts`).
 */
export const FRAME_HANDLERS: ReadonlyMap<FrameType, FrameHandler> = new Map<FrameType, FrameHandler>([
  [FrameType.EVENT, forward],
  [FrameType.CAPABILITIES, announceCapabilities],
  [FrameType.COMMAND, forward],
  [FrameType.COMMAND_RESULT, forward],
  [FrameType.ERROR, forward],
  ...PROVIDER_FRAME_HANDLERS,
]);

/** Handles an accepted frame. Refuses with `frame_type_unexpected` what is not in the table. */
export async function handleFrame(services: FrameServices, received: ReceivedFrame): Promise<FrameAnswer> {
  const handler = FRAME_HANDLERS.get(received.frame.header.type);
  if (handler === undefined) {
    throw relayError('frame_type_unexpected');
  }
  return handler(services, received);
}
