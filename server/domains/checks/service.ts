import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { CheckableOffer } from '../providers/index.ts';
import { AnswerBank, type RecordedAnswer } from './answer-bank.ts';
import { DayBudget } from './day-budget.ts';
import { compareAnswers, evidenceOf } from './evidence.ts';
import {
  CHECK_COST_MICROCENTS_MAX,
  CHECK_TOKENS_MAX,
  CHECK_TOKENS_MIN,
  COMPARED_TOKENS_MIN,
  OUTLIER_CHECKS_MAX,
  UNANSWERED_MAX,
} from './limits.ts';
import { OfferChecks } from './offer-checks.ts';
import type { CheckAsker, CheckedMarket, CheckStore } from './ports.ts';
import { makePrompt } from './prompts.ts';
import { type AgreeWithEachOther, isDue, isTooLong } from './rules.ts';
import type { CheckedAnswer, CheckQuestion, KeptCheck } from './types.ts';

/** What checks need. */
export interface CheckDependencies {
  readonly market: CheckedMarket;
  readonly asker: CheckAsker;
  readonly store: CheckStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'fraction'>;
  readonly logger: Logger;
}

/** Settings of checks. */
export interface CheckOptions {
  /** What all of them may cost a day. */
  readonly microcentsPerDay: bigint;
  /** Providers whose answers are right, by the operator's word. */
  readonly referenceProviders: ReadonlySet<string>;
}

/** Whether providers serve the models that they say. */
export interface CheckService {
  /** Reads what earlier checks have found. */
  start(): Promise<void>;
  /** Checks one provider's model, where one is due. For a job. */
  checkNext(): Promise<void>;
}

const keyOf = ({ providerId, model }: Pick<CheckableOffer, 'providerId' | 'model'>) =>
  `${providerId} ${model}`;

/** Makes the checks. */
export function createCheckService(options: CheckOptions, dependencies: CheckDependencies): CheckService {
  const { market, store, clock, logger } = dependencies;
  const earlier = new Map<string, KeptCheck>();
  const checks = new Map<string, OfferChecks>();
  const bank = new AnswerBank();
  const budget = new DayBudget(options.microcentsPerDay);
  const checksOf = (offer: Pick<CheckableOffer, 'providerId' | 'ownerId' | 'model'>): OfferChecks => {
    const key = keyOf(offer);
    const known = checks.get(key) ?? new OfferChecks(offer, earlier.get(key) ?? null);
    checks.set(key, known);
    return known;
  };
  /** Tells the market, also after the provider has come back. */
  const publish = (check: OfferChecks) => {
    const { providerId, model, verdict, comparedTokens, checkedAtMs, pausedUntilMs } = check;
    const pausedForMs = pausedUntilMs === null ? 0 : Math.max(0, pausedUntilMs - clock.nowMs());
    market.noteCheck(providerId, { model, verdict, comparedTokens, checkedAtMs }, pausedForMs);
  };
  const compare = createComparing(options, checks, checksOf, dependencies);
  const checking = createChecking(compare, { checksOf, bank, budget }, dependencies);

  return {
    async start() {
      for (const kept of await store.load()) earlier.set(keyOf(kept), kept);
    },
    async checkNext() {
      const offers = market.checkableOffers();
      for (const offer of offers)
        if (checks.has(keyOf(offer)) || earlier.has(keyOf(offer))) publish(checksOf(offer));
      const offer = checking.pick(offers);
      if (offer === null) return;
      const changed = await checking.check(offer, offers);
      for (const one of changed) publish(one);
      for (const one of changed) {
        // An owner who answered once may be gone: the others' are kept.
        await store.save(one.kept()).catch((error: unknown) => {
          const { providerId, model } = one;
          logger.error({ operation: 'marketplace.checks', providerId, model, error }, 'a check was not kept');
        });
      }
    },
  };
}

/** What answers say of those who gave them. */
function createComparing(
  { referenceProviders }: CheckOptions,
  checks: ReadonlyMap<string, OfferChecks>,
  checksOf: (offer: Pick<CheckableOffer, 'providerId' | 'ownerId' | 'model'>) => OfferChecks,
  { clock, logger }: Pick<CheckDependencies, 'clock' | 'logger'>,
) {
  /** Compares an answer with those of others; returns all whose checks have changed. */
  const compare = (
    offer: CheckableOffer,
    answer: CheckedAnswer,
    others: readonly RecordedAnswer[],
  ): OfferChecks[] => {
    const check = checksOf(offer);
    const changed = [check];
    let sum = 0;
    let longest = 0;
    for (const other of others) {
      const compared = compareAnswers(answer, other.answer);
      const evidence = evidenceOf(compared);
      sum += evidence;
      longest = Math.max(longest, compared.comparedTokens);
      const theirs = checksOf({ ...other, model: offer.model });
      const peer = ({ providerId, ownerId }: Pick<CheckableOffer, 'providerId' | 'ownerId'>) => ({
        providerId,
        ownerId,
        isReference: referenceProviders.has(providerId),
      });
      check.addEvidence(peer(other), evidence, compared.comparedTokens);
      theirs.addEvidence(peer(offer), evidence, compared.comparedTokens);
      changed.push(theirs);
    }
    // An answer without text, or with hardly any, shows nothing.
    if (sum > 0) check.validChecks = 0;
    else if (longest >= COMPARED_TOKENS_MIN) check.validChecks++;
    const of = (providerId: string) => checks.get(keyOf({ providerId, model: offer.model }));
    const agree: AgreeWithEachOther = (one, other) =>
      of(one.providerId)?.isSameAs(other.providerId) === true ||
      of(other.providerId)?.isSameAs(one.providerId) === true;
    for (const one of changed) one.conclude(clock.nowMs(), referenceProviders.has(one.providerId), agree);
    return changed;
  };
  /** An outlier that checks didn't bring back is paused. */
  const judgeStatistics = (check: OfferChecks, isOut: boolean) => {
    check.outlierChecks = isOut ? check.outlierChecks + 1 : 0;
    if (check.outlierChecks < OUTLIER_CHECKS_MAX) return;
    const { providerId, model } = check;
    logger.warn({ operation: 'marketplace.checks', providerId, model }, 'an outlier is paused');
    check.pause(clock.nowMs());
  };
  return { compare, judgeStatistics };
}

/** How the next check is found and made. */
function createChecking(
  { compare, judgeStatistics }: ReturnType<typeof createComparing>,
  {
    checksOf,
    bank,
    budget,
  }: {
    readonly checksOf: (offer: Pick<CheckableOffer, 'providerId' | 'ownerId' | 'model'>) => OfferChecks;
    readonly bank: AnswerBank;
    readonly budget: DayBudget;
  },
  { asker, clock, random, logger }: CheckDependencies,
) {
  const isOutlier = (offer: CheckableOffer, offers: readonly CheckableOffer[]) =>
    offer.isOutlier ||
    isTooLong(
      offer,
      offers.filter(({ model }) => model === offer.model),
    );
  const isNext = (offer: CheckableOffer, offers: readonly CheckableOffer[], nowMs: number): boolean => {
    const check = checksOf(offer);
    const since = offer.answers - check.answersAtCheck;
    return (
      !check.isPaused(nowMs) &&
      isDue(since, check.validChecks, isOutlier(offer, offers)) &&
      bank.unanswered(offer) < UNANSWERED_MAX &&
      budget.allows(keyOf(offer), offer.ownerId, CHECK_COST_MICROCENTS_MAX, nowMs)
    );
  };
  const newQuestion = (model: string): CheckQuestion => {
    let prompt = makePrompt(() => random.fraction());
    while (bank.knows(model, prompt)) prompt = makePrompt(() => random.fraction());
    return {
      model,
      prompt,
      seed: Math.floor(random.fraction() * 1_000_000),
      tokensMax: CHECK_TOKENS_MIN + Math.floor(random.fraction() * (CHECK_TOKENS_MAX - CHECK_TOKENS_MIN + 1)),
    };
  };
  return {
    /** One of those that are due, by chance: nobody can tell which request is a check. */
    pick(offers: readonly CheckableOffer[]): CheckableOffer | null {
      const nowMs = clock.nowMs();
      const due = offers.filter((offer) => isNext(offer, offers, nowMs));
      return due[Math.floor(random.fraction() * due.length)] ?? null;
    },
    async check(offer: CheckableOffer, offers: readonly CheckableOffer[]): Promise<readonly OfferChecks[]> {
      const nowMs = clock.nowMs();
      const check = checksOf(offer);
      const question = bank.openQuestion(offer, nowMs) ?? newQuestion(offer.model);
      budget.note(keyOf(offer), offer.ownerId, nowMs);
      const asked = await asker.ask(offer, question, CHECK_COST_MICROCENTS_MAX);
      // The check is an answer itself.
      check.answersAtCheck = offer.answers + (asked === null ? 0 : 1);
      if (asked === null) return [];
      budget.spend(asked.costMicrocents);
      const { providerId, ownerId } = offer;
      const recorded = { providerId, ownerId, answer: asked.answer, atMs: clock.nowMs() };
      const changed = compare(offer, asked.answer, bank.add(question, recorded));
      judgeStatistics(check, isOutlier(offer, offers));
      if (check.verdict === 'doubted')
        logger.warn(
          { operation: 'marketplace.checks', providerId, model: offer.model },
          'answers as another model',
        );
      return changed;
    },
  };
}
