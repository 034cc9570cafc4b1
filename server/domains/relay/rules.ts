import { Delivery, type FrameHeader, FrameType } from '../../../proto/index.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { RelayErrorCode } from './errors.ts';
import type { Peer, StreamPosition, StreamState } from './types.ts';

/** Frames a device sends to other devices. All other types end at the server. */
const FORWARDED_TYPES: ReadonlySet<number> = new Set([
  FrameType.EVENT,
  FrameType.CAPABILITIES,
  FrameType.COMMAND,
  FrameType.COMMAND_RESULT,
  FrameType.ERROR,
  FrameType.SEALED,
]);

/** Frames that go to one device and never to all. */
const DIRECTED_TYPES: ReadonlySet<number> = new Set([
  FrameType.COMMAND,
  FrameType.COMMAND_RESULT,
  FrameType.ERROR,
  FrameType.SEALED,
]);

/** False for a frame that goes to one device alone. */
export function mayGoToMany({ type }: FrameHeader): boolean {
  return !DIRECTED_TYPES.has(type);
}

/** True for a frame that asks to be kept: in the stream, or with the action that it is about. Of any other, nobody is told that it arrived. */
export function wantsToBeKept(header: FrameHeader): boolean {
  return (
    header.delivery === Delivery.STORED &&
    (FORWARDED_TYPES.has(header.type) || header.type === FrameType.THOR_RESULT)
  );
}

/** Why a frame may not be forwarded, or null when it may. Source, signature and nonce were checked before. */
export function checkForwarding(header: FrameHeader): RelayErrorCode | null {
  if (!FORWARDED_TYPES.has(header.type)) return 'frame_type_unexpected';
  if (header.delivery !== Delivery.TRANSIENT && header.delivery !== Delivery.STORED) return 'frame_malformed';
  if (header.type === FrameType.COMMAND && header.delivery !== Delivery.STORED) return 'frame_malformed';
  if (DIRECTED_TYPES.has(header.type) && header.destinationId === null) return 'frame_destination_unknown';
  if (header.destinationId === header.sourceId) return 'frame_destination_unknown';
  return null;
}

/** Why a header is not this peer's, or null when it is. */
export function checkSource(header: FrameHeader, peer: Peer): RelayErrorCode | null {
  // Only the server says of a frame that it made it.
  if (header.sourceId !== peer.actor.deviceId || header.madeByServer) return 'frame_source_wrong';
  return null;
}

/** Why a frame may not enter this network, or null when it may. The same for a foreign network and for none. */
export function checkNetwork(header: FrameHeader, peer: Peer): RelayErrorCode | null {
  return peer.memberships.has(header.networkId as NetworkId) ? null : 'network_not_found';
}

/**
 * Where a device goes on reading, and whether everything since then is still there. A resume position of another
 * epoch, or past the head, can't be honoured: the device goes on at the head and is told. Nothing from before it joined
 * is for it. What it had acknowledged may be gone although later frames are not.
 */
export function planResume(
  state: StreamState,
  resume: StreamPosition | null,
): { startOffset: number; recovered: boolean } {
  if (resume !== null && (resume.epoch !== state.epoch || resume.offset > state.head)) {
    return { startOffset: state.head, recovered: false };
  }
  const wantedOffset = resume === null ? state.cursor : resume.offset;
  const startOffset = Math.max(wantedOffset, state.joinedOffset);
  const isWhole = startOffset >= state.cursor || startOffset >= state.trimmedOffset;
  return { startOffset, recovered: isWhole && startOffset + 1 >= state.oldest };
}
