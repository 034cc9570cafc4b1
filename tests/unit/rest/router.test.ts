import { expect, test } from 'vitest';
import { InvariantError } from '../../../server/kernel/errors.ts';
import { createRouter } from '../../../server/platform/http/router.ts';
import type { HttpRoute } from '../../../server/platform/http/types.ts';

const route = (method: HttpRoute['method'], path: string): HttpRoute => ({
  method,
  path,
  bodyBytesMax: 0,
  handle: async () => ({ status: 200 }),
});

const find = createRouter([
  route('GET', '/'),
  route('GET', '/things'),
  route('POST', '/things'),
  route('GET', '/things/:id'),
  route('DELETE', '/things/:thingId'),
  route('GET', '/things/special'),
  route('GET', '/things/:id/parts/:part'),
  route('GET', '/files/*'),
  route('GET', '/:any/one'),
]);

const found = (method: string, path: string) => {
  const match = find(method, path);
  return match.kind === 'found' ? [match.route.path, { ...match.params }] : match.kind;
};

test.each([
  ['GET', '/', ['/', {}]],
  ['GET', '/things', ['/things', {}]],
  ['HEAD', '/things', ['/things', {}]],
  ['GET', '/things/special', ['/things/special', {}]],
  ['GET', '/things/7', ['/things/:id', { id: '7' }]],
  ['DELETE', '/things/7', ['/things/:thingId', { thingId: '7' }]],
  ['GET', '/things/a%2Fb%20c', ['/things/:id', { id: 'a/b c' }]],
  ['GET', '/things/7/parts/__proto__', ['/things/:id/parts/:part', { id: '7', part: '__proto__' }]],
  ['GET', '/files/a/b%20c', ['/files/*', { '*': 'a/b c' }]],
  ['GET', '/things/one', ['/things/:id', { id: 'one' }]],
  ['GET', '/things/', 'not_found'],
  ['GET', '/things/7/', 'not_found'],
  ['GET', '/Things', 'not_found'],
  ['GET', '//things', 'not_found'],
  ['GET', '/files', 'not_found'],
  ['GET', '', 'not_found'],
  ['GET', '/things/%zz', 'malformed'],
  ['PUT', '/things', 'method_not_allowed'],
  ['HEAD', '/toString', 'not_found'],
])('%s %s leads to %j', (method, path, expected) => {
  expect(found(method, path)).toEqual(expected);
});

test('what a path allows is listed, HEAD and OPTIONS included', () => {
  expect(find('PUT', '/things/7')).toEqual({
    kind: 'method_not_allowed',
    allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS'],
  });
  expect(find('OPTIONS', '/things/special')).toEqual({
    kind: 'method_not_allowed',
    allow: ['GET', 'HEAD', 'OPTIONS'],
  });
});

test('two routes of one method and path are refused, whatever their parameters are called', () => {
  expect(() => createRouter([route('GET', '/a/:x'), route('GET', '/a/:y')])).toThrow(InvariantError);
});
