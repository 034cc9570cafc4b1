import {
  DirectAnswer,
  DirectOffer,
  DirectPathState,
  DirectReport,
  DirectState,
  encodePayload,
  errorCodeNumber,
  FrameType,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { DirectPath, PathOutlet, PathPeer, PathStatus } from '../../domains/paths/index.ts';
import type { RelayService } from '../../domains/relay/index.ts';
import { notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { type FrameAnswer, type FrameHandler, payloadOf, type ReceivedFrame } from './frame-handler.ts';

const STATES = {
  asked: DirectPathState.DIRECT_ASKED,
  up: DirectPathState.DIRECT_UP,
  ended: DirectPathState.DIRECT_ENDED,
} as const;

/** The way to connected devices, by frames of the server's own. */
export function createPathOutlet(relay: Pick<RelayService, 'tell'>): PathOutlet {
  const tell = ({ networkId }: DirectPath, deviceId: DeviceId, type: FrameType, payload: Uint8Array) =>
    relay.tell(deviceId, { type, networkId, payload });
  return {
    offer: (path, fingerprint) => {
      const { id, source, target } = path;
      const payload = encodePayload(DirectOffer, {
        pathId: uuidToBytes(id),
        sourceId: uuidToBytes(source.deviceId),
        fingerprint,
        maySend: target.maySend,
        mayReceive: source.maySend,
      });
      return tell(path, target.deviceId, FrameType.DIRECT_OFFER, payload);
    },
    answer: (path, { fingerprint, addresses, port }) => {
      const { id, source, target } = path;
      const payload = encodePayload(DirectAnswer, {
        pathId: uuidToBytes(id),
        fingerprint,
        addresses: [...addresses],
        port,
        maySend: source.maySend,
        mayReceive: target.maySend,
      });
      return tell(path, source.deviceId, FrameType.DIRECT_ANSWER, payload);
    },
    ended: (path, deviceId, reason) => {
      const payload = encodePayload(DirectState, {
        pathId: uuidToBytes(path.id),
        state: DirectPathState.DIRECT_ENDED,
        reason: errorCodeNumber(reason),
      });
      return tell(path, deviceId, FrameType.DIRECT_STATE, payload);
    },
  };
}

const statusAnswer = ({ pathId, state, relayRoundTripMs }: PathStatus): FrameAnswer => ({
  type: FrameType.DIRECT_STATE,
  payload: encodePayload(DirectState, {
    pathId: uuidToBytes(pathId),
    state: STATES[state],
    relayRoundTripUs: Math.round((relayRoundTripMs ?? 0) * 1_000),
  }),
});

/** The device that sends, in the network that its frame names. */
function peerOf({ peer, frame }: ReceivedFrame): PathPeer {
  const networkId = frame.header.networkId as NetworkId;
  const membership = peer.memberships.get(networkId);
  if (membership === undefined) throw notFound('network');
  return { actor: peer.actor, networkId, networkTenantId: membership.networkTenantId };
}

/** What is no id is nobody's. */
const idOf = (bytes: Uint8Array): string =>
  bytes.length === 16 ? uuidFromBytes(bytes) : '00000000-0000-0000-0000-000000000000';

const offer: FrameHandler = async ({ paths }, received) => {
  const { targetId, fingerprint } = payloadOf(DirectOffer, received.frame);
  // The frame's bytes are another one's after the first wait.
  return statusAnswer(
    await paths.offer(peerOf(received), asId<DeviceId>(idOf(targetId)), fingerprint.slice()),
  );
};

const answer: FrameHandler = ({ paths }, received) => {
  const { pathId, fingerprint, addresses, port } = payloadOf(DirectAnswer, received.frame);
  return statusAnswer(paths.answer(peerOf(received), { pathId: idOf(pathId), fingerprint, addresses, port }));
};

const report: FrameHandler = ({ paths }, received) => {
  const { pathId, isUp, roundTripUs, lossPermille } = payloadOf(DirectReport, received.frame);
  return statusAnswer(
    paths.report(peerOf(received), { pathId: idOf(pathId), isUp, roundTripUs, lossPermille }),
  );
};

/** The frames about direct paths. */
export const PATH_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.DIRECT_OFFER, offer],
  [FrameType.DIRECT_ANSWER, answer],
  [FrameType.DIRECT_REPORT, report],
];
