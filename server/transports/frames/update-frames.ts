import {
  Delivery,
  encodePayload,
  errorCodeName,
  FrameType,
  UPDATE_PART_BYTES_MAX,
  UpdateOffer,
  UpdatePart,
  UpdateReport,
  UpdateRequest,
  UpdateState,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { ConnectionRegistry } from '../../domains/presence/index.ts';
import type { RelayService } from '../../domains/relay/index.ts';
import type { ReportedState, UpdateOutlet } from '../../domains/rollouts/index.ts';
import { invalidInput, notFound } from '../../kernel/errors.ts';
import { acknowledgement, type FrameHandler, payloadOf } from './frame-handler.ts';

const STATES: ReadonlyMap<UpdateState, ReportedState> = new Map<UpdateState, ReportedState>([
  [UpdateState.UPDATE_DOWNLOADING, 'downloading'],
  [UpdateState.UPDATE_DOWNLOADED, 'downloaded'],
  [UpdateState.UPDATE_VERIFIED, 'verified'],
  [UpdateState.UPDATE_UPDATING, 'updating'],
  [UpdateState.UPDATE_UPDATED, 'updated'],
  [UpdateState.UPDATE_FAILED, 'failed'],
  [UpdateState.UPDATE_REFUSED, 'refused'],
  [UpdateState.UPDATE_ROLLED_BACK, 'rolled_back'],
]);

/** The way to connected devices, by frames of the server's own. */
export function createUpdateOutlet(
  relay: Pick<RelayService, 'tell'>,
  connections: Pick<ConnectionRegistry, 'isOnline'>,
): UpdateOutlet {
  return {
    isOnline: (deviceId) => connections.isOnline(deviceId),
    offer({ deviceId, networkId }, { rolloutId, ...offered }) {
      const payload = encodePayload(UpdateOffer, { ...offered, rolloutId: uuidToBytes(rolloutId) });
      // Where it isn't there any more, it is offered again.
      relay.tell(deviceId, { type: FrameType.UPDATE_OFFER, networkId, payload });
    },
  };
}

const readPiece: FrameHandler = async ({ rollouts }, { peer, frame }) => {
  const { rolloutId, offset, length } = payloadOf(UpdateRequest, frame);
  if (length < 1 || length > UPDATE_PART_BYTES_MAX) {
    throw invalidInput(`Ask for 1 to ${UPDATE_PART_BYTES_MAX} bytes.`);
  }
  const piece = { rolloutId: uuidOf(rolloutId), offset, length };
  const data = await rollouts.readPiece(peer.actor, piece);
  return { type: FrameType.UPDATE_PART, payload: encodePayload(UpdatePart, { rolloutId, offset, data }) };
};

/** A report that comes again says what is known. */
const report: FrameHandler = async ({ rollouts }, { peer, frame }) => {
  const { rolloutId, state, error, byteCount } = payloadOf(UpdateReport, frame);
  const isStored = frame.header.delivery === Delivery.STORED;
  const reported = STATES.get(state);
  if (reported === undefined) throw invalidInput('An update has no such state.');
  await rollouts.report(peer.actor, {
    rolloutId: uuidOf(rolloutId),
    state: reported,
    errorCode: error === 0 ? null : errorCodeName(error),
    byteCount,
  });
  return isStored ? acknowledgement(0) : null;
};

/** What is no id is nobody's. */
function uuidOf(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw notFound('rollout');
  return uuidFromBytes(bytes);
}

/** The frames about updates of devices. */
export const UPDATE_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.UPDATE_REQUEST, readPiece],
  [FrameType.UPDATE_REPORT, report],
];
