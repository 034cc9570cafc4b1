import {
  Ack,
  Capabilities,
  ComputeChunk,
  ComputeResult,
  Delivery,
  decodePayload,
  encodePayload,
  FrameType,
  type FrameView,
  type MessageType,
  PayloadError,
  ProviderOffer,
  ProviderWithdraw,
  type yggdrasil,
} from '../../../proto/index.ts';
import type { DeviceCapabilities, DeviceService } from '../../domains/devices/index.ts';
import type { MarketplaceService, ProviderChannel } from '../../domains/marketplace/index.ts';
import { type Peer, type RelayService, relayError } from '../../domains/relay/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Connection } from '../pipeline/pipeline.ts';

/** The services behind frames. */
export interface FrameServices {
  readonly relay: RelayService;
  readonly devices: DeviceService;
  readonly marketplace: MarketplaceService;
}

/** An accepted frame and where it came from. Its bytes are valid until a handler's first `await` only. */
export interface ReceivedFrame {
  readonly peer: Peer;
  readonly frame: FrameView;
  /** Where it came from: one object for a whole connection. */
  readonly connection: Connection;
  /** How the marketplace reaches this device; null where a device can't be a provider. */
  readonly providerChannel: ProviderChannel | null;
  /** What HELLO and ACK do; null on MQTT, which has means of its own. */
  readonly session: SessionFrames | null;
}

/** Frames that open and acknowledge the session of a WebSocket. */
export interface SessionFrames {
  hello(frame: FrameView): FrameAnswer | Promise<FrameAnswer>;
  acknowledge(frame: FrameView): void;
}

/** What a device says it can do, as the devices domain takes it. */
export const capabilitiesOf = ({
  platform,
  firmware,
  sensors,
  actuators,
  commands,
}: yggdrasil.v1.Capabilities): DeviceCapabilities => ({ platform, firmware, sensors, actuators, commands });

/** What the sender is told; null: nothing. `sent` is called when it went out. */
export type FrameAnswer = {
  readonly type: FrameType;
  readonly payload: Uint8Array;
  readonly sent?: () => void;
} | null;

/** Maps a frame to one call of a service. It answers at once where nothing needs to be waited for. */
export type FrameHandler = (
  services: FrameServices,
  received: ReceivedFrame,
) => FrameAnswer | Promise<FrameAnswer>;

/** The message in a frame. Refuses with `frame_payload_malformed`. */
export function payloadOf<Properties, Message>(
  type: MessageType<Properties, Message>,
  frame: FrameView,
): Message {
  try {
    return decodePayload(type, frame.payload);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    throw new AppError('invalid', 'frame_payload_malformed', 'The payload is not what the type says.', {
      cause: error,
    });
  }
}

const acknowledgement = (offset: number): FrameAnswer => ({
  type: FrameType.ACK,
  payload: encodePayload(Ack, { offset }),
});

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

const offer: FrameHandler = async ({ marketplace }, { peer, frame, providerChannel }) => {
  if (providerChannel === null) {
    throw new AppError('invalid', 'frame_type_unexpected', 'A provider connects over WebSocket.');
  }
  await marketplace.offer(peer.actor, providerChannel, payloadOf(ProviderOffer, frame));
  return acknowledgement(0);
};

const withdraw: FrameHandler = async ({ marketplace }, { peer, frame }) => {
  payloadOf(ProviderWithdraw, frame);
  await marketplace.withdraw(peer.actor);
  return acknowledgement(0);
};

const chunk: FrameHandler = ({ marketplace }, { peer, frame }) => {
  marketplace.chunk(peer.actor, payloadOf(ComputeChunk, frame));
  return null;
};

const result: FrameHandler = ({ marketplace }, { peer, frame }) => {
  marketplace.result(peer.actor, payloadOf(ComputeResult, frame));
  return null;
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
  [FrameType.PROVIDER_OFFER, offer],
  [FrameType.PROVIDER_WITHDRAW, withdraw],
  [FrameType.COMPUTE_CHUNK, chunk],
  [FrameType.COMPUTE_RESULT, result],
]);
