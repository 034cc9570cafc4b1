import { describe, expect, it } from 'vitest';
import {
  CHECK_COST_MICROCENTS_MAX,
  DOUBTED_MS,
  OFFER_CHECKS_PER_DAY,
} from '../../../server/domains/checks/limits.ts';
import type { CheckAsker } from '../../../server/domains/checks/ports.ts';
import { createCheckService } from '../../../server/domains/checks/service.ts';
import type { CheckQuestion, KeptCheck } from '../../../server/domains/checks/types.ts';
import type { CheckableOffer, PublishedCheck } from '../../../server/domains/providers/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

/** What a model answers: words that follow from the prompt and from which model it is. */
const answerOf = (weights: string, { prompt, tokensMax }: CheckQuestion) => ({
  text: Array.from(
    { length: tokensMax },
    (_, at) => `${weights}${prompt.length % 7}${'abcdefgh'[at % 8]}`,
  ).join(' '),
  tokens: null,
});

/** A market of one model, each of whose providers is another owner's and has `weights`. */
function createWorld(
  providers: Readonly<Record<string, string>>,
  options: { reference?: string; cents?: bigint; gone?: string } = {},
) {
  const clock = new FakeClock(0);
  const answers = new Map(Object.keys(providers).map((id) => [id, 1]));
  const outliers = new Set<string>();
  const published = new Map<string, PublishedCheck & { pausedForMs: number }>();
  const asked: { providerId: string; question: CheckQuestion }[] = [];
  const saved = new Map<string, KeptCheck>();
  const asker: CheckAsker = {
    async ask({ providerId }, question) {
      asked.push({ providerId, question });
      answers.set(providerId, (answers.get(providerId) ?? 0) + 1);
      return { answer: answerOf(providers[providerId] ?? '', question), costMicrocents: 1_000n };
    },
  };
  const offerOf = (providerId: string): CheckableOffer => ({
    providerId,
    ownerId: `owner of ${providerId}`,
    model: 'm',
    givesLogprobs: false,
    answers: answers.get(providerId) ?? 0,
    meanTokens: 20,
    isOutlier: outliers.has(providerId),
  });
  const service = createCheckService(
    {
      microcentsPerDay: options.cents ?? 1_000_000_000n,
      referenceProviders: new Set(options.reference === undefined ? [] : [options.reference]),
    },
    {
      market: {
        checkableOffers: () => Object.keys(providers).map(offerOf),
        noteCheck: (id, check, pausedForMs) => published.set(id, { ...check, pausedForMs }),
      },
      asker,
      store: {
        load: async () => [...saved.values()],
        save: async (check) => {
          if (check.providerId === options.gone) throw new Error('its owner is gone');
          saved.set(check.providerId, check);
        },
      },
      clock,
      random: createSeededRandom(1),
      logger: silentLogger,
    },
  );
  /** Customers are answered by everybody, and the job has its rounds. */
  const live = async (requests: number) => {
    for (let request = 0; request < requests; request++) {
      for (const [id, count] of answers) answers.set(id, count + 1);
      for (let round = 0; round < answers.size; round++) await service.checkNext();
    }
  };
  const checksOf = (id: string) => asked.filter(({ providerId }) => providerId === id).length;
  return { service, live, published, asked, saved, clock, outliers, checksOf };
}

describe('checks', () => {
  it('find who serves another model than two others, pause it for a day, and publish that', async () => {
    const world = createWorld({ a: 'right', b: 'right', c: 'wrong' });
    await world.live(15);
    expect(world.published.get('c')).toMatchObject({ verdict: 'doubted', pausedForMs: DOUBTED_MS });
    expect(world.published.get('a')?.verdict).toBe('agrees');
    expect(world.published.get('b')?.verdict).toBe('agrees');
    expect(world.published.get('c')?.comparedTokens).toBeLessThanOrEqual(300);
    expect(world.saved.get('c')).toMatchObject({
      verdict: 'doubted',
      validChecks: 0,
      pausedUntilMs: DOUBTED_MS,
    });
  });

  it('keep what was found of others where an owner is gone', async () => {
    const world = createWorld({ a: 'right', b: 'right', c: 'wrong' }, { gone: 'a' });
    await world.live(15);
    expect(world.saved.get('c')).toMatchObject({ verdict: 'doubted' });
  });

  it('doubt nobody where as many owners answer one way as another', async () => {
    const world = createWorld({ a: 'one', b: 'one', c: 'other', d: 'other' });
    await world.live(15);
    for (const id of ['a', 'b', 'c', 'd'])
      expect(world.published.get(id)).toMatchObject({ verdict: 'differs', pausedForMs: 0 });
  });

  it('ask each provider a question once, all the same one, and nothing of who is paused', async () => {
    const world = createWorld({ a: 'right', b: 'right', c: 'wrong' });
    await world.live(15);
    const seen = world.asked.map(({ providerId, question }) => `${providerId} ${question.prompt}`);
    expect(new Set(seen).size).toBe(seen.length);
    const questions = new Set(world.asked.map(({ question }) => JSON.stringify(question)));
    expect(questions.size).toBe(new Set(world.asked.map(({ question }) => question.prompt)).size);
    const before = world.checksOf('c');
    await world.live(5);
    expect(world.checksOf('c')).toBe(before);
    world.clock.advance(DOUBTED_MS);
    await world.live(1);
    expect(world.checksOf('c')).toBe(before + 1);
  });

  it('say of two that differ only that they do, and pause neither', async () => {
    const world = createWorld({ a: 'right', b: 'wrong' });
    await world.live(15);
    for (const id of ['a', 'b'])
      expect(world.published.get(id)).toMatchObject({ verdict: 'differs', pausedForMs: 0 });
  });

  it('believe a reference provider more than others', async () => {
    const world = createWorld({ a: 'right', b: 'wrong', c: 'wrong' }, { reference: 'a' });
    await world.live(15);
    expect(world.published.get('b')?.verdict).toBe('doubted');
    expect(world.published.get('c')?.verdict).toBe('doubted');
    expect(world.published.get('a')?.verdict).not.toBe('doubted');
  });

  it('come after each answer until ten were good, then seldom', async () => {
    const world = createWorld({ a: 'right', b: 'right', c: 'right' });
    await world.live(20);
    const before = world.checksOf('a');
    expect(before).toBeGreaterThanOrEqual(10);
    expect(before).toBeLessThanOrEqual(15);
    await world.live(20);
    expect(world.checksOf('a') - before).toBeLessThanOrEqual(1);
  });

  it('pause an outlier that stays one', async () => {
    const world = createWorld({ a: 'right', b: 'right', c: 'right' });
    world.outliers.add('c');
    await world.live(6);
    expect(world.published.get('c')?.pausedForMs).toBe(DOUBTED_MS);
    expect(world.published.get('a')?.pausedForMs).toBe(0);
  });

  it('cost so much a day, and ask a provider so often', async () => {
    const poor = createWorld({ a: 'right', b: 'right' }, { cents: CHECK_COST_MICROCENTS_MAX + 1_500n });
    await poor.live(10);
    expect(poor.asked).toHaveLength(2);
    const alone = createWorld({ a: 'right', b: 'wrong' });
    await alone.live(100);
    expect(alone.checksOf('a')).toBeLessThanOrEqual(OFFER_CHECKS_PER_DAY);
    alone.clock.advance(86_400_000);
    await alone.live(1);
    expect(alone.checksOf('a')).toBeGreaterThan(OFFER_CHECKS_PER_DAY - 5);
  });

  it('stop asking where there is nobody to compare with', async () => {
    const world = createWorld({ a: 'right' });
    await world.live(40);
    expect(world.asked.length).toBeLessThanOrEqual(16);
  });
});
