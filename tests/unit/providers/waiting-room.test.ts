import { beforeEach, describe, expect, it } from 'vitest';
import { pause } from '../../../server/domains/providers/health.ts';
import { MODEL_WAITERS_MAX } from '../../../server/domains/providers/limits.ts';
import type { LiveProvider } from '../../../server/domains/providers/live-provider.ts';
import { type Place, WaitingRoom } from '../../../server/domains/providers/waiting-room.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
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

const waiter = (model: string, tenant: string, memberId = tenant) => ({
  model,
  tenantId: asId<TenantId>(tenant),
  memberId,
  accountId: asId<AccountId>(memberId),
});
const enter = (model = 'm', tenant = 'u', member = tenant) =>
  room.enter(waiter(model, tenant, member)) as Place;

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

  it('is refused where enough wait for the model; for another model it is not', () => {
    for (let count = 0; count < MODEL_WAITERS_MAX; count++) enter('m', `u${count}`);
    expect(room.enter(waiter('m', 'late'))).toBeNull();
    expect(room.enter(waiter('n', 'late'))).not.toBeNull();
  });

  it('takes the last place of the tenant that has most of a full room, as far as that is fair', async () => {
    const places = Array.from({ length: MODEL_WAITERS_MAX }, () => enter('m', 'greedy'));
    wait('last of greedy', places.at(-1) as Place);
    for (let count = 0; count < MODEL_WAITERS_MAX / 2; count++) {
      expect(room.enter(waiter('m', 'late', `member ${count}`))).not.toBeNull();
    }
    expect(room.enter(waiter('m', 'late'))).toBeNull();
    await turn();
    expect(looked).toEqual(['last of greedy']);
    expect(places.filter(({ isLost }) => isLost)).toEqual(places.slice(MODEL_WAITERS_MAX / 2));
  });
});

describe('turns', () => {
  /** Has each of them wait always, one request behind the other, until `count` were served by so many slots. */
  const serve = async (
    requesters: readonly { readonly tenant: string; readonly member: string; readonly tokens: number }[],
    slots: number,
    count: number,
  ) => {
    const serving = provider(['m'], slots);
    const served = new Map(requesters.map(({ member }) => [member, 0]));
    const running: (() => void)[] = [];
    const waitFor = (requester: (typeof requesters)[number]) => {
      const { tenant, member, tokens } = requester;
      const place = enter('m', tenant, member);
      wait(member, place, () => {
        const request = waitingRequest();
        serving.running.add(request);
        room.served(place.waiter, tokens);
        served.set(member, (served.get(member) ?? 0) + tokens);
        running.push(() => serving.running.delete(request));
        waitFor(requester);
        return 'leaves';
      });
    };
    for (const requester of requesters) for (let ahead = 0; ahead <= slots; ahead++) waitFor(requester);
    room.slotFreed(serving);
    for (let ended = 0; ended < count; ended++) {
      await turn();
      running.shift()?.();
      room.slotFreed(serving);
    }
    return served;
  };

  it('go by tokens: of two that always wait neither gets more ahead than one request for each slot and one more', async () => {
    const [slots, tokens] = [3, 100_000];
    const large = { tenant: 'a', member: 'a', tokens };
    const small = { tenant: 'b', member: 'b', tokens: tokens / 100 };
    const served = await serve([large, small], slots, 1_000);
    const bound = tokens * (slots + 1);
    const difference = Math.abs((served.get('a') ?? 0) - (served.get('b') ?? 0));
    console.info(`tokens served differ by ${difference}, at most ${bound} are allowed`);
    expect(difference).toBeLessThanOrEqual(bound);
    expect(Math.min(...served.values())).toBeGreaterThan(bound);
  });

  it('are taken by tenants, and within one by its members', async () => {
    const tokens = 100;
    const family = ['father', 'mother', 'child'].map((member) => ({ tenant: 'family', member, tokens }));
    const served = await serve([...family, { tenant: 'neighbour', member: 'neighbour', tokens }], 1, 600);
    expect(served.get('neighbour')).toBeGreaterThanOrEqual(tokens * 299);
    for (const { member } of family) expect(served.get(member)).toBeGreaterThanOrEqual(tokens * 99);
  });

  it('are not saved up by who did not wait', async () => {
    const serving = provider();
    room.served(enter('m', 'busy').waiter, 1_000_000);
    wait('busy', enter('m', 'busy'), take(serving));
    const late = enter('m', 'late');
    room.served(late.waiter, 1);
    wait('late', late, take(serving));
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['busy']);
  });

  it('of members begin where the least served of their own tenant is, not of others', async () => {
    const serving = provider();
    enter('m', 'neighbour');
    const father = enter('m', 'family', 'father');
    room.served(father.waiter, 1_000);
    wait('father', father, take(serving));
    wait('mother', enter('m', 'family', 'mother'), take(serving));
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['father']);
  });

  it('are not saved up by what began while nobody waited and became less than was expected', async () => {
    const serving = provider();
    const early = waiter('m', 'early');
    room.served(early, 1_000);
    wait('patient', enter('m', 'patient'), take(serving));
    wait('early', enter('m', 'early'), take(serving));
    room.corrected(early, 10);
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['patient']);
  });

  it('are not saved up by what is taken back after one has come to wait again', async () => {
    const serving = provider();
    const patient = enter('m', 'patient');
    const gamble = waiter('m', 'gambler');
    room.served(gamble, 1_000);
    room.served(patient.waiter, 5_000);
    wait('patient', patient, take(serving));
    wait('gambler', enter('m', 'gambler'), take(serving));
    room.corrected(gamble, 0);
    room.slotFreed(serving);
    await turn();
    expect(looked).toEqual(['patient']);
  });
});
