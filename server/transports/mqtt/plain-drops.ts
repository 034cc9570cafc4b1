import { Dropped, decodePayload, uuidFromBytes } from '../../../proto/index.ts';
import type { DropCause, DropEnd, DropNotice } from '../../domains/drops/index.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { deviceTopics } from '../frames/topic-rules.ts';

/** Where a device reads what it sent, or was to get, that was dropped. */
export const droppedTopic = (deviceId: DeviceId, end: DropEnd): string =>
  `${deviceTopics(deviceId)}dropped/${end === 'sender' ? 'sent' : 'received'}`;

/** True for such a topic: who is told of what was dropped there would never hear the last of it. */
export const isDroppedTopic = (topic: string): boolean =>
  /^devices\/[^/]+\/dropped\/(sent|received)$/.test(topic);

/** What a plain device is told of publications. */
export const dropJson = ({
  cause,
  count,
  topics,
  frameIds,
  sinceMs,
  atMs,
}: Omit<DropNotice, 'end' | 'networkId' | 'tenantId' | 'deviceId'>): JsonObject => ({
  at: new Date(atMs).toISOString(),
  since: new Date(sinceMs).toISOString(),
  cause: cause satisfies DropCause,
  count,
  ...(cause === 'frame_expired' ? { ids: [...frameIds] } : { topics: [...topics] }),
});

/** A DROPPED frame as a plain device reads it, and where. Throws `PayloadError`. */
export function dropMessage(
  deviceId: DeviceId,
  payload: Uint8Array,
): { readonly topic: string; readonly json: JsonObject } {
  const { isSender, count, frameIds, sinceMs, atMs } = decodePayload(Dropped, payload);
  const ids = frameIds.map((id) => uuidFromBytes(id));
  const notice = { cause: 'frame_expired', count, topics: [], frameIds: ids, sinceMs, atMs } as const;
  return { topic: droppedTopic(deviceId, isSender ? 'sender' : 'receiver'), json: dropJson(notice) };
}
