import { beforeEach, describe, expect, it } from 'vitest';
import { pause } from '../../../server/domains/providers/health.ts';
import { ACCOUNT_WAITERS_MAX, MODEL_WAITERS_MAX } from '../../../server/domains/providers/limits.ts';
import type { LiveProvider } from '../../../server/domains/providers/live-provider.ts';
import { type Place, WaitingRoom } from '../../../server/domains/providers/waiting-room.ts';
import { type AccountId, asId } from '../../../server/kernel/ids.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { offerOf, waitingRequest } from '../../support/offers.ts';

let clock: FakeClock;
let room: WaitingRoom;
let looked: string[];
beforeEach(() => {
  clock = new FakeClock();
  room = new WaitingRoom(clock);
  looked = [];
});

const user = (name: string) => asId<AccountId>(name);
const enter = (model = 'm', name = 'u') => room.enter(model, user(name)) as Place;

/** Waits at `place`; `look` says what its request does when it is woken. */
const wait = (name: string, place: Place, look: () => 'leaves' | 'waits' = () => 'leaves') => {
  void (async () => {
    do {
      await room.wait(place, 10_000, new AbortController().signal);
      looked.push(name);
    } while (look() === 'waits');
    room.leave(place);
  })();
};

const provider = (models = ['m'], slots = 1) => {
  const { provider: serving, model } = offerOf('p', 1, slots);
  serving.replaceOffer({ slots, models: models.map((name) => ({ ...model, name })) });
  return serving;
};
const take = (from: LiveProvider) => () => {
  from.running.add(waitingRequest());
  return 'leaves' as const;
};

describe('a free slot', () => {
  it('is looked at by the one that waits longest for a model of its provider, and by nobody else', async () => {
    const serving = provider(['m', 'n']);
    wait('other model', enter('o'));
    wait('first', enter('n'), take(serving));
    for (let count = 0; count < 10; count++) wait('later', enter('m'), take(serving));
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['first']);
  });

  it('that is not taken is looked at by the next, each once, and who stays keeps its place', async () => {
    const serving = provider();
    wait('first', enter(), () => 'waits');
    wait('second', enter(), take(serving));
    wait('third', enter(), take(serving));
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['first', 'second']);
    serving.running.clear();
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['first', 'second', 'first', 'third']);
  });

  it('of several serves as many as there are', async () => {
    const serving = provider(['m'], 3);
    for (let count = 1; count <= 5; count++) wait(String(count), enter(), take(serving));
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['1', '2', '3']);
  });

  it('of a provider that is put aside wakes nobody', async () => {
    const serving = provider();
    serving.standing.health = pause(serving.standing.health, clock.monotonicMs(), 0.5);
    wait('first', enter());
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual([]);
  });
});

describe('who waits', () => {
  it('looks again when its time is over, and when everybody is woken', async () => {
    wait('first', enter());
    clock.advance(10_000);
    await turn();
    wait('second', enter('n'));
    room.wakeAll();
    await turn();
    expect(looked).toEqual(['first', 'second']);
  });

  it('is refused where its user waits often enough, until one leaves; another user is not', () => {
    const places = Array.from({ length: ACCOUNT_WAITERS_MAX }, (_, index) => enter(`m${index}`));
    expect(room.enter('m', user('u'))).toBeNull();
    expect(room.enter('m', user('v'))).not.toBeNull();
    room.leave(places[0] as Place);
    expect(room.enter('m', user('u'))).not.toBeNull();
  });

  it('is refused where enough wait for the model; for another model it is not', () => {
    for (let count = 0; count < MODEL_WAITERS_MAX; count++) enter('m', `u${Math.floor(count / 20)}`);
    expect(room.enter('m', user('late'))).toBeNull();
    expect(room.enter('n', user('late'))).not.toBeNull();
  });
});
