import assert from 'node:assert';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { createTreeStore, Tree } from '../../../server/domains/topics/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addNetwork } from './tree-under-test.ts';

/** What the library's tests are given for each of them, in the way of node:test. */
interface TestContext {
  plan(assertions: number): void;
  diagnostic(message: string): void;
  readonly assert: unknown;
}

const require = createRequire(import.meta.url);
const abstractTests = require('aedes-persistence/abstract') as (options: {
  test(name: string, run: (context: TestContext) => Promise<void>): void;
  persistence(): Promise<Tree>;
  testAsync: true;
}) => void;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

describe('the storage of trees, by the tests of aedes-persistence', () => {
  abstractTests({
    testAsync: true,
    persistence: async () =>
      new Tree(await addNetwork(database), {
        store: createTreeStore(database.database),
        clock: createSystemClock(),
      }),
    test: (name, run) =>
      test(name, async () => {
        const counting = countingAssert();
        await run({ plan: counting.plan, diagnostic: () => undefined, assert: counting.assert });
        counting.check();
      }),
  });
});

/** `assert` that knows how often it was asked. */
function countingAssert() {
  let planned: number | null = null;
  let count = 0;
  const counted = new Proxy(assert, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        count++;
        return method(...args);
      };
    },
  });
  return {
    assert: counted,
    plan: (assertions: number) => {
      planned = assertions;
    },
    check: () => {
      if (planned !== null) assert.equal(count, planned, 'as many assertions as planned');
    },
  };
}
