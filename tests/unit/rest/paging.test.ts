import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineCursor, idCursor, pageQuery } from '../../../server/transports/rest/paging.ts';
import { timeMsSchema, toIsoTime } from '../../../server/transports/rest/schemas.ts';

const ID = 'abcdef00-0000-4000-8000-00000000000e';
const ids = idCursor<string>();
const encoded = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');

describe('a page cursor', () => {
  it('leads back to the position it was made of', () => {
    const pairs = defineCursor(
      z.tuple([z.string(), z.string()]).transform(([name, count]) => ({ name, count: Number(count) })),
      ({ name, count }) => [name, String(count)],
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.nat(), (name, count) => {
        const text = pairs.next({ name, count }) ?? '';
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(pairs.after.parse(text)).toEqual({ name, count });
      }),
    );
    expect(pairs.next(null)).toBeNull();
  });

  it('takes an id in lower case', () => {
    expect(ids.after.parse(encoded([ID.toUpperCase()]))).toBe(ID);
  });

  it.each([
    ['nothing', ''],
    ['an id', ID],
    ['other characters', `${encoded([ID])}!`],
    ['padding', `${encoded([ID, '='])}=`],
    ['a bit too many', `${encoded([ID]).slice(0, -1)}-`],
    ['no JSON', Buffer.from('["').toString('base64url')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64url')],
    ['no list', encoded(ID)],
    ['a part too few', encoded([])],
    ['a part too many', encoded([ID, ID])],
    ['a part of another kind', encoded([7])],
    ['what is no id', encoded(['x'])],
    ['a text without end', encoded(['x'.repeat(10_000)])],
  ])('that is %s is refused', (_, text) => {
    expect(ids.after.safeParse(text).success).toBe(false);
  });

  it('that is any other text is refused, and never throws', () => {
    const query = pageQuery(ids);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (after) => {
        expect(query.safeParse({ after }).success).toBe(false);
      }),
    );
  });
});

describe('a time in milliseconds', () => {
  it('is one that can be shown and stored, or refused', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), (ms) => {
        const result = timeMsSchema.safeParse(ms.toString());
        if (result.success) expect(toIsoTime(result.data)).toMatch(/^\d{4}-\d\d-\d\dT/);
        else expect(ms).toBeGreaterThan(253_402_214_400_000n - 1n);
      }),
    );
  });
});
