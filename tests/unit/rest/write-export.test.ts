import { expect, it } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import type { Permission } from '../../../server/kernel/permission.ts';
import type { HttpRequest } from '../../../server/platform/http/types.ts';
import type { HttpOperation } from '../../../server/transports/pipeline/http-operation.ts';
import type { ExportSection } from '../../../server/transports/rest/users/export-sections.ts';
import { writeExport } from '../../../server/transports/rest/users/write-export.ts';
import { newOwner } from '../../support/actors.ts';

const AT = '2026-01-01T00:00:00.000Z';
const request = {
  remoteAddress: '::1',
  requestId: 'r',
  signal: new AbortController().signal,
} as HttpRequest;

/** An operation that answers each request as `answer` says. */
const operationOf = (
  operation: string,
  answer: (asked: HttpRequest) => unknown,
  access: Permission = 'account.read',
) =>
  ({
    operation,
    access,
    method: 'GET',
    path: `/${operation}`,
    answer: async (_, asked) => ({ status: 200, body: JSON.stringify(answer(asked)) }),
  }) as HttpOperation;

/** Pages of three letters, two of them on the first. */
const letters = operationOf('letters', ({ query }) =>
  query.get('after') === null
    ? { items: [{ id: 'a' }, { id: 'b' }], next: '2' }
    : { items: [{ id: 'c' }], next: null },
);
const sizes = operationOf('sizes', ({ params }) => {
  if (params.letter === 'b') throw new AppError('not_found', 'device_not_found', 'Gone.');
  return { of: params.letter };
});
const one = operationOf('one', () => ({ items: 'no list' }));
const empty = operationOf('empty', () => ({ items: [], next: null }));
const ofOthers = operationOf('ofOthers', () => {
  throw new AppError('forbidden', 'forbidden', 'For those of the whole tenant.');
});
const forbidden = operationOf('forbidden', () => ({ secret: true }), 'platform.operate');

async function exported(sections: readonly ExportSection[], charactersMax = 10_000) {
  const operations = new Map(
    [letters, sizes, one, empty, ofOthers, forbidden].map((each) => [each.operation, each]),
  );
  const pieces: string[] = [];
  for await (const piece of writeExport(
    { actor: newOwner(), request, operations, sections, charactersMax },
    { nowMs: () => Date.parse(AT) },
  ))
    pieces.push(piece);
  return JSON.parse(pieces.join('')) as unknown;
}

it('an export has all pages of each list with their parts, and null for what may not be seen or is gone', async () => {
  const parts = { param: 'letter', sections: [{ name: 'size', operation: 'sizes' }] };
  expect(
    await exported([
      { name: 'letters', operation: 'letters', parts },
      { name: 'one', operation: 'one' },
      { name: 'none', operation: 'empty' },
      { name: 'ofOthers', operation: 'ofOthers' },
      { name: 'hidden', operation: 'forbidden' },
    ]),
  ).toEqual({
    exportedAt: AT,
    letters: [
      { id: 'a', size: { of: 'a' } },
      { id: 'b', size: null },
      { id: 'c', size: { of: 'c' } },
    ],
    one: { items: 'no list' },
    none: [],
    ofOthers: null,
    hidden: null,
    isComplete: true,
  });
});

it('an export that is too large ends early, as JSON that says so', async () => {
  const sections = [
    { name: 'letters', operation: 'letters' },
    { name: 'again', operation: 'letters' },
  ];
  expect(await exported(sections, 15)).toEqual({
    exportedAt: AT,
    letters: [{ id: 'a' }, { id: 'b' }],
    again: [],
    isComplete: false,
  });
});
