import { beforeEach, describe, expect, it } from 'vitest';
import { DeliverySession } from '../../../server/domains/relay/delivery-session.ts';
import {
  PAGE_FRAMES_MAX,
  READ_RETRIES_MAX,
  READ_RETRY_MS,
  WINDOW_BYTES_MAX,
} from '../../../server/domains/relay/limits.ts';
import type { StreamOwner } from '../../../server/domains/relay/ports.ts';
import type { StoredFrame } from '../../../server/domains/relay/types.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import type { AppError } from '../../../server/kernel/errors.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { testMembership as membership, testPeer as peer } from '../../support/relay-peer.ts';

/** A stream in memory whose reads wait until the test lets them go. */
class StreamInMemory {
  frames: StoredFrame[] = [];
  reads: (() => void)[] = [];
  failing = false;

  append(count = 1, bytes = 1): StoredFrame {
    let frame: StoredFrame = { streamOffset: 0, content: new Uint8Array(bytes) };
    for (let index = 0; index < count; index++) {
      frame = { streamOffset: this.frames.length + 1, content: new Uint8Array(bytes) };
      this.frames.push(frame);
    }
    return frame;
  }

  readPage = async (_reader: DeviceActor, _network: StreamOwner, after: number, limit: number) => {
    const page = this.frames.filter(({ streamOffset }) => streamOffset > after).slice(0, limit);
    await new Promise<void>((resolve) => this.reads.push(resolve));
    if (this.failing) throw new Error('the database is gone');
    return page;
  };

  /** Lets the reads that wait, and those they lead to, end. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      for (const read of this.reads.splice(0)) read();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('a delivery session', () => {
  let stream: StreamInMemory;
  let delivered: number[];
  let closedWith: string | null;
  let accepting: boolean;
  let clock: FakeClock;

  beforeEach(() => {
    stream = new StreamInMemory();
    delivered = [];
    closedWith = null;
    accepting = true;
    clock = new FakeClock();
  });

  const send = (session: DeliverySession, frames: readonly StoredFrame[]) => {
    for (const { content, streamOffset } of frames) session.send(content, streamOffset);
  };
  /** A frame was kept, and is sent where the session takes it. */
  const offer = (session: DeliverySession, frame: StoredFrame) => {
    if (session.take(frame)) send(session, [frame]);
  };
  const open = (startOffset = 0, windowFrames = 4) =>
    new DeliverySession(
      {
        id: uuid(1),
        peer: {
          ...peer,
          close: (reason: AppError) => {
            closedWith = reason.code;
          },
        },
        membership,
        startOffset,
        channel: {
          windowFrames,
          deliver: (_frame, streamOffset) => {
            if (accepting) delivered.push(streamOffset);
            return accepting;
          },
        },
      },
      {
        store: stream as never,
        clock,
        logger: silentLogger,
        metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
        signAndSend: send,
      },
    );

  it('sends nothing before it was started', async () => {
    stream.append(3);
    open();
    await stream.settle();
    expect(delivered).toEqual([]);
  });

  it('reads from where the device stopped, then follows live', async () => {
    stream.append(3);
    const session = open(1);
    session.start();
    await stream.settle();
    expect(delivered).toEqual([2, 3]);
    offer(session, stream.append());
    expect(delivered).toEqual([2, 3, 4]);
  });

  it('loses nothing that is stored while it reads', async () => {
    stream.append(2);
    const session = open();
    session.start();
    // The page was read before this frame was stored, and arrives after it.
    offer(session, stream.append());
    await stream.settle();
    expect(delivered).toEqual([1, 2, 3]);
  });

  it('stops at a full window and goes on with an acknowledgement', async () => {
    stream.append(10);
    const session = open();
    session.start();
    await stream.settle();
    expect(delivered).toEqual([1, 2, 3, 4]);
    session.acknowledge(2);
    await stream.settle();
    expect(delivered).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('stops at a window full of bytes', async () => {
    stream.append(3, WINDOW_BYTES_MAX);
    const session = open();
    session.start();
    await stream.settle();
    expect(delivered).toEqual([1]);
    session.acknowledge(1);
    await stream.settle();
    expect(delivered).toEqual([1, 2]);
  });

  it('reads what a slow device missed while it was live, in order', async () => {
    const session = open();
    session.start();
    await stream.settle();
    for (let count = 0; count < 7; count++) {
      offer(session, stream.append());
    }
    expect(delivered).toEqual([1, 2, 3, 4]);
    session.acknowledge(4);
    await stream.settle();
    expect(delivered).toEqual([1, 2, 3, 4, 5, 6, 7]);
    session.acknowledge(7);
    offer(session, stream.append());
    expect(delivered.at(-1)).toBe(8);
  });

  it('does not look for what it missed and is gone from the stream by now', async () => {
    stream.append(2);
    const session = open(0, 2);
    session.start();
    await stream.settle();
    const missed = stream.append();
    offer(session, missed);
    stream.frames = [];
    session.acknowledge(2);
    await stream.settle();
    expect(stream.reads).toEqual([]);
    const streamOffset = missed.streamOffset + 1;
    offer(session, { ...missed, streamOffset });
    expect(delivered).toEqual([1, 2, streamOffset]);
  });

  it('reads what was kept without being offered before it goes on live', async () => {
    const session = open();
    session.start();
    await stream.settle();
    stream.append();
    session.readAgain();
    offer(session, stream.append());
    await stream.settle();
    expect(delivered).toEqual([1, 2]);
  });

  it('reads once more when that happens while it reads', async () => {
    const session = open();
    session.start();
    stream.append();
    session.readAgain();
    await stream.settle();
    expect(delivered).toEqual([1]);
  });

  it('reads page after page when there are many', async () => {
    const count = PAGE_FRAMES_MAX * 3 + 1;
    stream.append(count);
    open(0, 1_000).start();
    await stream.settle();
    expect(delivered).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('refuses an acknowledgement of what was never sent', async () => {
    stream.append(1);
    const session = open();
    session.start();
    await stream.settle();
    expect(session.acknowledge(2)).toBe(false);
    expect(session.acknowledgedOffset).toBe(0);
    expect(session.acknowledge(1)).toBe(true);
    expect(session.acknowledgedOffset).toBe(1);
  });

  it('never moves an acknowledgement back', async () => {
    stream.append(2);
    const session = open();
    session.start();
    await stream.settle();
    session.acknowledge(2);
    session.acknowledge(1);
    expect(session.acknowledgedOffset).toBe(2);
  });

  it('ends with consumer_too_slow when the channel takes no more', async () => {
    stream.append(3);
    accepting = false;
    open().start();
    await stream.settle();
    expect(closedWith).toBe('consumer_too_slow');
    expect(delivered).toEqual([]);
  });

  it('reads again when the stream could not be read, and ends with unavailable when it never can', async () => {
    stream.append(1);
    stream.failing = true;
    const session = open();
    session.start();
    await stream.settle();
    clock.advance(READ_RETRY_MS);
    await stream.settle();
    expect([closedWith, clock.pending]).toEqual([null, 1]);
    stream.failing = false;
    clock.advance(2 * READ_RETRY_MS);
    await stream.settle();
    expect(delivered).toEqual([1]);
    stream.failing = true;
    session.readAgain();
    for (let count = 0; count < READ_RETRIES_MAX; count++) {
      await stream.settle();
      expect(closedWith).toBe(null);
      clock.advance(READ_RETRY_MS * 2 ** count);
    }
    await stream.settle();
    expect([closedWith, clock.pending]).toEqual(['unavailable', 0]);
  });

  it('does not read again after it was detached', async () => {
    stream.failing = true;
    const session = open();
    session.start();
    await stream.settle();
    session.detach();
    expect(clock.pending).toBe(0);
  });

  it('sends nothing after it was detached', async () => {
    stream.append(3);
    const session = open();
    session.start();
    session.detach();
    await stream.settle();
    expect(delivered).toEqual([]);
    expect(closedWith).toBeNull();
  });
});
