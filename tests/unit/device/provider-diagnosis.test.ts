import { describe, expect, it } from 'vitest';
import {
  ADVISED_REASONS,
  diagnose,
  type Facts,
  type RegistrationFacts,
} from '../../../device/provider/diagnosis.ts';
import { LITTLE_WORK_REASONS } from '../../../server/domains/providers/explain-provider.ts';
import { WITHHELD_REASONS } from '../../../server/domains/providers/index.ts';

const registration: RegistrationFacts = {
  origin: 'owner',
  isActive: true,
  state: 'approved',
  isConnected: true,
  withheld: null,
  nextChangeAt: null,
  models: [{ name: 'm' }],
  decisions: [{ outcome: 'approved', reason: 'What is valid is approved.' }],
};
const well: Facts = {
  endpoint: ['m'],
  endpointAddress: 'http://127.0.0.1:1/v1',
  deviceStatus: 200,
  ownerStatus: 200,
  registration,
  why: {
    pausedForMs: null,
    models: [{ name: 'm', reasons: [], priceCents: 25, medianPriceCents: 20 }],
  },
};
const wrong = (changes: Partial<Facts>) =>
  diagnose({ ...well, ...changes }).flatMap(({ check, ok }) => (ok === false ? [check] : []));
const withheld = (reason: string, changes: Partial<RegistrationFacts> = {}) =>
  wrong({ registration: { ...registration, withheld: reason, ...changes }, why: null });

describe('a provider that is well', () => {
  it('has nothing wrong, and its price stands beside the market', () => {
    expect(wrong({})).toEqual([]);
    expect(diagnose(well).find(({ check }) => check === 'price')?.message).toContain('the median is 20');
  });
});

describe('what is wrong with a provider', () => {
  it.each<[string, Partial<Facts>, string[]]>([
    ['its endpoint does not answer', { endpoint: new Error('nothing answers') }, ['endpoint']],
    ['its endpoint has no model', { endpoint: [] }, ['endpoint']],
    ['its endpoint has none that is registered', { endpoint: ['other'] }, ['endpoint']],
    [
      'the server does not answer',
      { deviceStatus: 0, ownerStatus: 0, registration: null, why: null },
      ['server', 'registration'],
    ],
    ['its credentials are wrong', { deviceStatus: 401 }, ['sign-in']],
    ['the token of its owner is wrong', { ownerStatus: 401, registration: null, why: null }, ['owner']],
    ['its owner may not see it', { ownerStatus: 403, registration: null, why: null }, ['owner']],
    ['it is not registered', { ownerStatus: 404, registration: null, why: null }, ['registration']],
    [
      'it is too dear',
      {
        why: {
          pausedForMs: null,
          models: [{ name: 'm', reasons: ['price_guard'], priceCents: 999, medianPriceCents: 1 }],
        },
      },
      ['work'],
    ],
    ['it is put aside', { why: { pausedForMs: 9_000, models: [] } }, ['pause']],
  ])('is said where %s', (_, changes, checks) => {
    expect(wrong(changes)).toEqual(checks);
  });

  it.each([
    ['payout_method_missing', {}, ['payout']],
    ['models_not_announced', {}, ['models']],
    ['quality_below_own_limit', {}, ['own limits']],
    ['limit_reached', {}, ['limits']],
    ['paused_by_owner', { isActive: false }, ['paused']],
    ['not_connected', { isConnected: false }, ['program']],
    ['registration_refused', { state: 'refused' as const }, ['registration']],
    ['waiting_for_approval', { state: 'waiting' as const }, ['registration']],
    ['outside_hours', { nextChangeAt: '2026-01-01T08:00:00Z' }, []],
  ])('is said where nothing is sold for %s', (reason, changes, checks) => {
    expect(withheld(reason, changes)).toEqual(checks);
    expect(WITHHELD_REASONS).toContain(reason);
  });

  it('is said of every reason that the server has', () => {
    expect([...ADVISED_REASONS].sort()).toEqual([...LITTLE_WORK_REASONS].sort());
  });

  it('that nobody but its owner can see is not said to be well', () => {
    const found = diagnose({ ...well, ownerStatus: null, registration: null, why: null });
    expect(found.at(-1)).toMatchObject({ check: 'registration', ok: null });
  });
});
