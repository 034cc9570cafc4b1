import { expect, it } from 'vitest';
import { withoutPassword } from '../../../server/platform/database/connect.ts';

it.each([
  ['postgres://me:hunter2@host:5432/db', 'postgres://me:***@host:5432/db'],
  ['postgres://me:p@ss/w?rd:x@host/db', 'postgres://me:***@host/db'],
  ['postgres://me@host/db', 'postgres://me@host/db'],
  ['postgres://me:@host/db?host=/folder', 'postgres://me:***@host/db?host=/folder'],
])('%s is shown without its password', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
