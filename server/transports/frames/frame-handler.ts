import {
  Ack,
  decodePayload,
  encodePayload,
  FrameType,
  type FrameView,
  type MessageType,
  PayloadError,
} from '../../../proto/index.ts';
import type { ActionService } from '../../domains/actions/index.ts';
import type { CommandService } from '../../domains/commands/index.ts';
import type { DeviceService } from '../../domains/devices/index.ts';
import type { PairingService } from '../../domains/pairings/index.ts';
import type { PathService } from '../../domains/paths/index.ts';
import type { ReadingService } from '../../domains/readings/index.ts';
import type { Peer, RelayService } from '../../domains/relay/index.ts';
import type { RolloutService } from '../../domains/rollouts/index.ts';
import type { RouteService } from '../../domains/routes/index.ts';
import type { ShadowService } from '../../domains/shadow/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Connection } from '../pipeline/pipeline.ts';

/** The services behind frames. */
export interface FrameServices {
  readonly relay: RelayService;
  readonly devices: DeviceService;
  readonly readings: Pick<ReadingService, 'record'>;
  readonly commands: Pick<CommandService, 'answered'>;
  readonly shadows: Pick<ShadowService, 'report' | 'reportUnder' | 'getOwn'>;
  readonly pairings: Pick<PairingService, 'ask' | 'decide' | 'end'>;
  readonly routing: Pick<RouteService, 'query'>;
  readonly paths: Pick<PathService, 'offer' | 'answer' | 'report'>;
  readonly actions: Pick<ActionService, 'ask' | 'report' | 'answered' | 'takeCredit' | 'cancel'>;
  readonly rollouts: Pick<RolloutService, 'report' | 'readPiece'>;
}

/** An accepted frame and where it came from. Its bytes are valid until a handler's first `await` only. */
export interface ReceivedFrame {
  readonly peer: Peer;
  readonly frame: FrameView;
  /** True: it came before, and is only to be acknowledged if it is kept. Only of frames that want to be. */
  readonly isRepetition: boolean;
  /** Where it came from: one object for a whole connection. */
  readonly connection: Connection;
  /** What HELLO and ACK do; null on MQTT, which has means of its own. */
  readonly session: SessionFrames | null;
}

/** Frames that open and acknowledge the session of a WebSocket. */
export interface SessionFrames {
  hello(frame: FrameView): FrameAnswer | Promise<FrameAnswer>;
  acknowledge(frame: FrameView): void;
}

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

/** An ACK up to a stream's offset. */
export const acknowledgement = (offset: number): FrameAnswer => ({
  type: FrameType.ACK,
  payload: encodePayload(Ack, { offset }),
});
