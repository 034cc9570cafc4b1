import { Delivery, FrameType, type FrameView } from '../../../proto/index.ts';

/** True for what is answered in any case; a TRANSIENT frame to a device is only where it is refused. */
export function asksForAnswer({ delivery, type }: FrameView['header']): boolean {
  return delivery === Delivery.STORED || ANSWERED_TYPES.has(type);
}

/** TRANSIENT frames that are answered. */
const ANSWERED_TYPES: ReadonlySet<number> = new Set([
  FrameType.CONNECTION_ASK,
  FrameType.CONNECTION_DECISION,
  FrameType.CONNECTION_END,
  FrameType.ROUTE_QUERY,
  FrameType.DIRECT_OFFER,
  FrameType.DIRECT_ANSWER,
  FrameType.DIRECT_REPORT,
  FrameType.THOR_ACTION,
  FrameType.THOR_CANCEL,
  FrameType.SHADOW_QUERY,
  FrameType.SHADOW_REPORT,
  FrameType.UPDATE_REQUEST,
]);
