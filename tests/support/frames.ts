import { Delivery, type FrameHeaderInit, FrameType } from '../../proto/index.ts';

/** A UUID that tells in a failing test which one it is: `uuid(7)` ends in 7. */
export const uuid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

/** A header of an ordinary broadcast, changed where a test needs it. */
export function header(changes: Partial<FrameHeaderInit> = {}): FrameHeaderInit {
  return {
    type: FrameType.EVENT,
    delivery: Delivery.TRANSIENT,
    id: uuid(1),
    networkId: uuid(2),
    sourceId: uuid(3),
    nonce: 1,
    ...changes,
  };
}
