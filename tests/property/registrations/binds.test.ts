import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Offer } from '../../../server/domains/providers/index.ts';
import { isOpenAt, WEEKDAYS } from '../../../server/domains/registrations/hours.ts';
import { announcedTerms, bindOffer } from '../../../server/domains/registrations/rules.ts';
import type { ProviderTerms } from '../../../server/domains/registrations/types.ts';

const price = fc.bigInt({ min: 0n, max: 10n ** 12n });
const prices = fc.record({ prompt: price, cachedPrompt: price, completion: price });
const name = fc.constantFrom('a', 'b', 'c', 'd');
const contextTokens = fc.integer({ min: 1, max: 100_000 });
const slots = fc.integer({ min: 1, max: 20 });
const quarter = fc
  .integer({ min: 0, max: 95 })
  .map((index) => `${String(index >> 2).padStart(2, '0')}:${String((index & 3) * 15).padStart(2, '0')}`);

const announced: fc.Arbitrary<Offer> = fc.record({
  slots,
  models: fc.uniqueArray(fc.record({ name, prices, contextTokens, continuesAnswers: fc.boolean() }), {
    selector: (model) => model.name,
    minLength: 1,
  }),
});
const terms: fc.Arbitrary<ProviderTerms> = fc.record({
  models: fc.uniqueArray(fc.record({ name, prices, contextTokensMax: contextTokens }), {
    selector: (model) => model.name,
    minLength: 1,
  }),
  slots,
  hours: fc.option(
    fc.record({
      timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'),
      weekly: fc.array(
        fc.record({ days: fc.subarray([...WEEKDAYS], { minLength: 1 }), from: quarter, to: quarter }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  ),
  sharing: fc.constantFrom('everybody' as const, 'own_tenant' as const),
  qualityMin: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  waitMsMax: fc.option(fc.integer({ min: 0, max: 600_000 })),
  dataPolicy: fc.constant(null),
  hardware: fc.constant(null),
});
const registration = fc.record({
  origin: fc.constant('owner' as const),
  terms,
  isActive: fc.boolean(),
  state: fc.constantFrom('approved' as const, 'approved' as const, 'waiting' as const, 'refused' as const),
});
const shown = fc.record({
  hasWorked: fc.boolean(),
  quality: fc.double({ min: 0, max: 1, noNaN: true }),
  waitMs: fc.option(fc.integer({ min: 0, max: 600_000 })),
});
const nowMs = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });

describe('a registration of an owner', () => {
  it('binds: whatever its program announces, nothing is sold beyond it, and at no other price', () => {
    let sold = 0;
    fc.assert(
      fc.property(
        registration,
        announced,
        nowMs,
        shown,
        (registered, offer, atMs, { waitMs, ...standing }) => {
          const bound = bindOffer(registered, offer, atMs, { ...standing, firstTokenMs: () => waitMs });
          if (!bound.ok) return;
          sold++;
          expect(registered.state).toBe('approved');
          expect(registered.isActive).toBe(true);
          expect(bound.isShared).toBe(registered.terms.sharing === 'everybody');
          if (registered.terms.hours !== null) expect(isOpenAt(registered.terms.hours, atMs)).toBe(true);
          expect(bound.offer.slots).toBe(Math.min(registered.terms.slots, offer.slots));
          expect(bound.offer.models.length).toBeGreaterThan(0);
          for (const model of bound.offer.models) {
            const said = registered.terms.models.find((one) => one.name === model.name);
            const served = offer.models.find((one) => one.name === model.name);
            expect(model.prices).toEqual(said?.prices);
            expect(model.contextTokens).toBeLessThanOrEqual(said?.contextTokensMax ?? 0);
            expect(model.contextTokens).toBeLessThanOrEqual(served?.contextTokens ?? 0);
            expect(model.continuesAnswers).toBe(served?.continuesAnswers);
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(sold).toBeGreaterThan(5);
  });

  it('leaves nothing out that both name, while nothing stands against it', () => {
    fc.assert(
      fc.property(terms, announced, nowMs, (said, offer, atMs) => {
        const registered = {
          origin: 'owner',
          terms: { ...said, hours: null },
          isActive: true,
          state: 'approved',
        } as const;
        const fresh = { hasWorked: false, quality: 0, firstTokenMs: () => 1e9 };
        const bound = bindOffer(registered, offer, atMs, fresh);
        const both = offer.models.filter((one) => said.models.some((other) => other.name === one.name));
        expect(bound.ok ? bound.offer.models.map((one) => one.name) : []).toEqual(
          both.map((one) => one.name),
        );
      }),
    );
  });
});

describe('a registration that a program made of what it announces', () => {
  it('sells just that', () => {
    fc.assert(
      fc.property(announced, nowMs, (offer, atMs) => {
        const registered = {
          origin: 'device',
          terms: announcedTerms(offer),
          isActive: true,
          state: 'approved',
        } as const;
        const shownNow = { hasWorked: true, quality: 0, firstTokenMs: () => 1e9 };
        expect(bindOffer(registered, offer, atMs, shownNow)).toEqual({ ok: true, offer, isShared: true });
      }),
      { numRuns: 50 },
    );
  });
});
