import { decodePayload, FrameType, type FrameView, UpdateOffer, UpdatePart } from '../../../proto/index.ts';
import type { DeviceUpdates } from './device-updates.ts';

/** Gives what the server says of updates to them. Throws PayloadError for what can't be read. */
export function receiveUpdate(updates: DeviceUpdates, { header, payload }: FrameView): void {
  if (header.type === FrameType.UPDATE_OFFER) updates.offered(decodePayload(UpdateOffer, payload));
  else if (header.type === FrameType.UPDATE_PART) updates.received(decodePayload(UpdatePart, payload));
}
