import { expect, it } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { requirePatchedClient, withoutPassword } from '../../../server/platform/database/connect.ts';

it.each([
  ['postgres://me:hunter2@host:5432/db', 'postgres://me:***@host:5432/db'],
  ['postgres://me:p@ss/w?rd:x@host/db', 'postgres://me:***@host/db'],
  ['postgres://me@host/db', 'postgres://me@host/db'],
  ['postgres://me:@host/db?host=/folder', 'postgres://me:***@host/db?host=/folder'],
])('%s is shown without its password', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

it('a client without the patch is refused, and the installed one has it', () => {
  expect(() => requirePatchedClient({})).toThrow(StartError);
  expect(() => requirePatchedClient()).not.toThrow();
});
