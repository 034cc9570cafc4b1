import { expect, it } from 'vitest';
import { dispatch } from '../../../device/client/dispatch.ts';
import { Listeners } from '../../../device/client/listeners.ts';
import type { ReceivedFrame } from '../../../device/client/messages.ts';
import type { BifrostClientEvents } from '../../../device/client/types.ts';
import { Delivery, Event, encodePayload, FrameType } from '../../../proto/index.ts';
import { uuid } from '../../support/frames.ts';

it.each([true, false])(
  'an event is a will where the server says so, and no device does (made: %s)',
  (madeByServer) => {
    const listeners = new Listeners<BifrostClientEvents>();
    const wills: unknown[] = [];
    listeners.on('event', ({ isWill }) => void wills.push(isWill));
    const frame: ReceivedFrame = {
      type: FrameType.EVENT,
      delivery: Delivery.STORED,
      id: uuid(1),
      sourceId: uuid(2),
      destinationId: null,
      correlationId: null,
      nonce: 1,
      madeByServer,
      streamOffset: 1,
      isSealed: false,
      payload: encodePayload(Event, { name: 'online', isWill: true }),
    };
    dispatch(listeners, frame);
    expect(wills).toEqual([madeByServer ? true : undefined]);
  },
);
