import { describe, expect, it } from 'vitest';
import { FollowedStream } from '../../../server/transports/pipeline/followed-stream.ts';

async function* pieces(fails = false): AsyncGenerator<string> {
  yield 'a';
  yield 'b';
  if (fails) throw new Error('broken');
}

/** A stream with what is known of its end. */
function following(stream: AsyncIterable<string>, controller = new AbortController()) {
  const followed = new FollowedStream(stream, controller.signal);
  const state = { ended: false };
  followed.ended.then(() => {
    state.ended = true;
  });
  return { followed, state, iterator: followed[Symbol.asyncIterator](), controller };
}

describe('a streamed answer', () => {
  it('gives what it is made of, and has ended when it was read to its end', async () => {
    const { iterator, state } = following(pieces());
    expect(await iterator.next()).toEqual({ done: false, value: 'a' });
    expect(await iterator.next()).toEqual({ done: false, value: 'b' });
    expect(state.ended).toBe(false);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(state.ended).toBe(true);
  });

  it('has ended when it failed, when it was given up, and when the client went away', async () => {
    const failing = following(pieces(true));
    await failing.iterator.next();
    await failing.iterator.next();
    await expect(failing.iterator.next()).rejects.toThrow('broken');
    expect(failing.state.ended).toBe(true);

    const givenUp = following(pieces());
    await givenUp.iterator.return?.();
    await givenUp.followed.ended;

    const left = following(pieces());
    left.controller.abort();
    await left.followed.ended;
    await following(pieces(), left.controller).followed.ended;
  });
});
