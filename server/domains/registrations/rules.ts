import { invalidInput } from '../../kernel/errors.ts';
import {
  type BoundOffer,
  CONTEXT_TOKENS_MAX,
  checkOffer,
  type ModelOffer,
  type Offer,
  type ShownByProvider,
} from '../providers/index.ts';
import { isOpenAt, problemsOfHours } from './hours.ts';
import { RETENTION_DAYS_MAX, WAIT_SECONDS_MAX } from './limits.ts';
import type {
  DecisionDraft,
  ProviderTerms,
  RegisteredModel,
  RegistrationState,
  StoredRegistration,
  TermsInput,
} from './types.ts';

/** How registrations are approved: all that are valid, or by an operator's hand. */
export type Approval = 'rule' | 'hand';

/** The checked terms. Refuses with `invalid_input`, every problem in `details.problems`. */
export function checkTerms(input: TermsInput): ProviderTerms {
  const { models, slots, hours, qualityMin, waitSecondsMax, dataPolicy, ...rest } = input;
  const asked = models.map(({ contextTokensMax, ...model }) => ({
    ...model,
    contextTokens: contextTokensMax ?? CONTEXT_TOKENS_MAX,
  }));
  const offer = checkOffer({ slots, models: asked });
  const problems = [
    ...(hours === null ? [] : problemsOfHours(hours)),
    ...outOfRange('qualityMin', qualityMin, 1),
    ...outOfRange('waitSecondsMax', waitSecondsMax, WAIT_SECONDS_MAX),
    ...outOfRange('dataPolicy.retentionDays', dataPolicy?.retentionDays ?? null, RETENTION_DAYS_MAX),
  ];
  if (problems.length > 0) throw invalidInput('The registration is not acceptable.', { problems });
  return {
    ...rest,
    models: offer.models.map(registeredModel),
    slots: offer.slots,
    hours,
    qualityMin,
    waitMsMax: waitSecondsMax === null ? null : Math.round(waitSecondsMax * 1_000),
    dataPolicy,
  };
}

function outOfRange(path: string, value: number | null, max: number) {
  if (value === null || (value >= 0 && value <= max)) return [];
  return [{ path, message: `must be 0 to ${max}` }];
}

function registeredModel({ name, prices, contextTokens }: ModelOffer): RegisteredModel {
  return { name, prices, contextTokensMax: contextTokens };
}

/** What a program announces as terms: it sells to everybody, always. */
export function announcedTerms({ models, slots }: Offer): ProviderTerms {
  return {
    models: models.map(registeredModel),
    slots,
    hours: null,
    sharing: 'everybody',
    qualityMin: null,
    waitMsMax: null,
    dataPolicy: null,
    hardware: null,
  };
}

/**
 * What a device sells now of what its program announces, and to whom; or why nothing. What its owner registered binds: a model that
 * only one of both names isn't sold, price and sharing are the registration's, of slots and context the smaller one counts, because no
 * registration makes a machine larger than its program says. What a provider has shown is held against it only where it was shown
 * since it came on the market last: else it could never come back.
 */
export function bindOffer(
  { origin, terms, isActive, state }: Pick<StoredRegistration, 'origin' | 'terms' | 'isActive' | 'state'>,
  announced: Offer,
  nowMs: number,
  shown: ShownByProvider,
): BoundOffer {
  if (state === 'waiting') return { ok: false, reason: 'waiting_for_approval' };
  if (state === 'refused') return { ok: false, reason: 'registration_refused' };
  if (!isActive) return { ok: false, reason: 'paused_by_owner' };
  if (terms.hours !== null && !isOpenAt(terms.hours, nowMs)) return { ok: false, reason: 'outside_hours' };
  const isShared = terms.sharing === 'everybody';
  if (origin === 'device') return { ok: true, offer: announced, isShared };
  const models = boundModels(terms.models, announced.models);
  if (models.length === 0) return { ok: false, reason: 'models_not_announced' };
  const { qualityMin, waitMsMax } = terms;
  if (shown.hasWorked && qualityMin !== null && shown.quality < qualityMin)
    return { ok: false, reason: 'quality_below_own_limit' };
  const inTime = models.filter(
    ({ name }) => !shown.hasWorked || waitMsMax === null || (shown.firstTokenMs(name) ?? 0) <= waitMsMax,
  );
  if (inTime.length === 0) return { ok: false, reason: 'wait_beyond_own_limit' };
  return { ok: true, offer: { models: inTime, slots: Math.min(terms.slots, announced.slots) }, isShared };
}

function boundModels(registered: readonly RegisteredModel[], announced: readonly ModelOffer[]): ModelOffer[] {
  const byName = new Map(registered.map((model) => [model.name, model]));
  return announced.flatMap((model) => {
    const bound = byName.get(model.name);
    if (bound === undefined) return [];
    const contextTokens = Math.min(model.contextTokens, bound.contextTokensMax);
    return [{ ...model, prices: bound.prices, contextTokens }];
  });
}

/** A registration before a change of it. */
export interface JudgedBefore {
  readonly terms: ProviderTerms;
  readonly state: RegistrationState;
  /** The last word of an operator about it was no. */
  readonly isRefusedByOperator: boolean;
}

/**
 * What is decided about new terms; null: what was decided before still holds. An operator's refusal is not undone by a change, and by
 * hand everything is looked at that sells other models, or to more people, than was approved.
 */
export function judgeTerms(
  terms: ProviderTerms,
  before: JudgedBefore | null,
  approval: Approval,
): DecisionDraft | null {
  const isApproved = before?.state === 'approved';
  if (terms.sharing === 'own_tenant') {
    return isApproved ? null : byRule('approved', 'own_tenant', 'It serves nobody but its own tenant.');
  }
  if (before?.isRefusedByOperator)
    return byRule('waiting', 'changed_after_refusal', 'It was refused and has changed: an operator decides.');
  if (approval === 'rule')
    return isApproved ? null : byRule('approved', 'valid', 'What is valid is approved.');
  if (isApproved && !sellsMore(terms, before.terms)) return null;
  return byRule('waiting', 'by_hand', 'An operator decides about every registration here.');
}

function byRule(outcome: RegistrationState, rule: string, reason: string): DecisionDraft {
  return { outcome, rule, reason, decidedBy: null };
}

function sellsMore(terms: ProviderTerms, before: ProviderTerms): boolean {
  const known = new Set(before.models.map(({ name }) => name));
  return before.sharing === 'own_tenant' || terms.models.some(({ name }) => !known.has(name));
}
