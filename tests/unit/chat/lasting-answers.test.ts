import { describe, expect, it } from 'vitest';
import { LastingAnswers, type LastingEvent } from '../../../server/transports/chat/lasting-answers.ts';
import {
  LASTING_BYTES_MAX,
  LASTING_BYTES_OF_ACCOUNT_MAX,
  LASTING_KEPT_MS,
  LASTING_OF_ACCOUNT_MAX,
} from '../../../server/transports/chat/limits.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { keptOf } from '../../support/collected.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const random = createSeededRandom(1);
const MEGABYTE = 'x'.repeat(1_024 * 1_024);

/** An answer whose pieces a test gives. */
function given() {
  const pieces: string[] = [];
  let wake = () => {};
  let isOver = false;
  async function* events(signal: AbortSignal): AsyncGenerator<LastingEvent<string>> {
    signal.addEventListener('abort', () => end());
    for (;;) {
      const text = pieces.shift();
      if (text !== undefined) yield { text, state: `after ${text.slice(0, 9)}` };
      else if (isOver) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const end = () => {
    isOver = true;
    wake();
  };
  const say = async (...texts: string[]) => {
    pieces.push(...texts);
    wake();
    await turn();
  };
  return { work: { name: 'a', fingerprint: '', state: 'begun', events }, say, end };
}

const all = async (texts: AsyncIterable<string>) => {
  const read: string[] = [];
  for await (const text of texts) read.push(text);
  return read;
};

describe('an answer that lasts', () => {
  it('is read by several, from where each wants, to its end, and forgotten an hour later', async () => {
    const clock = new FakeClock();
    const answers = new LastingAnswers<string>({ clock, random, logger: silentLogger });
    const owner = newOwner();
    const { work, say, end } = given();
    const answer = await answers.begin(owner, work);
    await say('one', 'two');
    const readers = [all(answer.readBehind(-1)), all(answer.readBehind(0)), all(answer.readBehind(7))];
    await say('three');
    end();
    expect(await Promise.all(readers)).toEqual([['one', 'two', 'three'], ['two', 'three'], []]);
    expect(await answers.get(owner, 'a')).toMatchObject({ state: 'after three', hasEnded: true });
    expect(answers.find(newOwner(), 'a')).toBeNull();
    await turn();
    clock.advance(LASTING_KEPT_MS);
    await expect(answers.get(owner, 'a')).rejects.toThrow('not found');
  });

  it('gives its texts up where its account has too many, and keeps its state', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const owner = newOwner();
    const [old, running] = [given(), given()];
    await answers.begin(owner, { ...old.work, name: 'old' });
    await old.say(MEGABYTE);
    old.end();
    await turn();
    const answer = await answers.begin(owner, running.work);
    const megabytes = LASTING_BYTES_OF_ACCOUNT_MAX / MEGABYTE.length;
    await running.say(...Array(megabytes).fill(MEGABYTE));
    expect(answers.find(owner, 'old')).toBeNull();
    expect((await answer.readBehind(-1)[Symbol.asyncIterator]().next()).value).toBe(MEGABYTE);
    await running.say('one more');
    await expect(answer.readBehind(-1)[Symbol.asyncIterator]().next()).rejects.toThrow('no longer kept');
    expect(answer.state).toBe('after one more');
    await running.say('rest');
    running.end();
    expect(await all(answer.readBehind(megabytes))).toEqual(['rest']);
  });

  it('is one of so many, and ends when it is cancelled', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const owner = newOwner();
    const begin = (name: string) => answers.begin(owner, { ...given().work, name });
    const first = await begin('0');
    for (let number = 1; number < LASTING_OF_ACCOUNT_MAX; number++) await begin(`${number}`);
    await expect(begin('more')).rejects.toThrow('at work');
    await first.cancel();
    expect((await begin('more')).hasEnded).toBe(false);
    await answers.remove(owner, 'more');
    expect(answers.find(owner, 'more')).toBeNull();
  });

  it('goes on for who reads along, also when older texts of its account are given up', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const { work, say, end } = given();
    const answer = await answers.begin(newOwner(), work);
    const reading = all(answer.readBehind(-1));
    const pieces = (LASTING_BYTES_OF_ACCOUNT_MAX * 2) / MEGABYTE.length;
    for (let piece = 0; piece < pieces; piece++) await say(MEGABYTE);
    end();
    expect(await reading).toHaveLength(pieces);
  });

  it('is kept from the memory that others fill: who has most gives up first', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const hoarders = LASTING_BYTES_MAX / LASTING_BYTES_OF_ACCOUNT_MAX;
    for (let hoarder = 0; hoarder < hoarders; hoarder++) {
      const { work, say, end } = given();
      await answers.begin(newOwner(), work);
      await say(...Array(LASTING_BYTES_OF_ACCOUNT_MAX / MEGABYTE.length).fill(MEGABYTE));
      end();
    }
    await turn();
    const small = given();
    const answer = await answers.begin(newOwner(), small.work);
    await small.say('mine');
    small.end();
    expect(await all(answer.readBehind(-1))).toEqual(['mine']);
  });

  it('keeps nothing of what was asked when it has ended', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const owner = newOwner();
    const begin = async () => {
      const body = new Uint8Array(1_024);
      const events = async function* (): AsyncGenerator<LastingEvent<string>> {
        yield { text: `${body.length}` };
      };
      await answers.begin(owner, { name: 'a', fingerprint: '', state: 'begun', events });
      await turn();
      return new WeakRef(body);
    };
    expect(await keptOf([await begin()])).toBe(0);
    expect(answers.find(owner, 'a')?.hasEnded).toBe(true);
  });

  it('tells its readers what broke it off, and nobody else', async () => {
    const answers = new LastingAnswers<string>({ clock: new FakeClock(), random, logger: silentLogger });
    const events = async function* (): AsyncGenerator<LastingEvent<string>> {
      yield { text: 'one' };
      throw new Error('broke');
    };
    const answer = await answers.begin(newOwner(), { name: 'a', fingerprint: '', state: 'begun', events });
    await turn();
    await expect(all(answer.readBehind(-1))).rejects.toThrow('broke');
  });
});
