import { Dropped, encodePayload, FrameType, uuidToBytes } from '../../../proto/index.ts';
import type { DropNotice } from '../../domains/drops/index.ts';

/** What a device is told of frames that were removed before they arrived. */
export function dropFrame({ end, count, frameIds, sinceMs, atMs }: DropNotice): {
  readonly type: FrameType;
  readonly payload: Uint8Array;
} {
  const payload = encodePayload(Dropped, {
    isSender: end === 'sender',
    count,
    frameIds: frameIds.map(uuidToBytes),
    sinceMs,
    atMs,
  });
  return { type: FrameType.DROPPED, payload };
}
