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

describe('an outbox in a session', () => {
  const sent = (outbox: Outbox) => {
    const ids: string[] = [];
    for (let next = outbox.next(); next !== null; next = outbox.next()) ids.push(next.id);
    return ids;
  };
  const filled = (...ids: string[]) => {
    const outbox = new Outbox();
    for (const id of ids) outbox.add(id, frame(1), true).catch(() => {});
    return outbox;
  };

  it('sends nothing before the session, and no more without an answer than the server takes', () => {
    const outbox = filled('a', 'b', 'c');
    expect(sent(outbox)).toEqual([]);
    outbox.sessionBegan(2);
    expect(sent(outbox)).toEqual(['a', 'b']);
    outbox.answered('b');
    expect(sent(outbox)).toEqual(['c']);
  });

  it('waits for the answer to a frame that its caller has given up', () => {
    const outbox = filled('a', 'b');
    outbox.sessionBegan(1);
    expect(sent(outbox)).toEqual(['a']);
    outbox.reject('a', new BifrostError('aborted', 'no'));
    expect(sent(outbox)).toEqual([]);
    outbox.answered('a');
    expect(sent(outbox)).toEqual(['b']);
  });

  it('sends what is not settled again in the next one, in its order', () => {
    const outbox = filled('a', 'b', 'c');
    outbox.sessionBegan(2);
    sent(outbox);
    outbox.answered('a');
    outbox.resolve('a', { offset: 1 });
    outbox.sessionEnded(new BifrostError('session_lost', 'gone'));
    expect(sent(outbox)).toEqual([]);
    outbox.sessionBegan(9);
    expect(sent(outbox)).toEqual(['b', 'c']);
  });
});
