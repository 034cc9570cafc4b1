import { describe, expect, it } from 'vitest';
import { BifrostError } from '../../../device/client/errors.ts';
import { OUTBOX_BYTES_MAX } from '../../../device/client/limits.ts';
import { Outbox } from '../../../device/client/outbox.ts';
import { Delivery, FrameType } from '../../../proto/index.ts';

const frame = (bytes: number) => ({
  type: FrameType.EVENT,
  delivery: Delivery.STORED,
  payload: new Uint8Array(bytes),
});

describe('an outbox whose bytes are all taken', () => {
  it('takes no frame, not even a small one', async () => {
    const outbox = new Outbox();
    void outbox.add('large', frame(OUTBOX_BYTES_MAX), true);
    await expect(outbox.add('small', frame(1), true)).rejects.toMatchObject({ code: 'outbox_full' });
  });

  it.each<[string, (outbox: Outbox) => void]>([
    ['was acknowledged', (outbox) => outbox.resolve('large', { offset: 1 })],
    ['was refused', (outbox) => outbox.reject('large', new BifrostError('internal', 'no'))],
  ])('takes as much again once the frame %s', async (_what, settle) => {
    const outbox = new Outbox();
    const first = outbox.add('large', frame(OUTBOX_BYTES_MAX), true).catch(() => {});
    settle(outbox);
    await first;
    const second = outbox.add('next', frame(OUTBOX_BYTES_MAX), true);
    outbox.resolve('next', { offset: 2 });
    expect(await second).toEqual({ offset: 2 });
  });
});
