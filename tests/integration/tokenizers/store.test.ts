import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTokenizerStore } from '../../../server/domains/tokenizers/index.ts';
import { TENANT_TOKENIZERS_MAX } from '../../../server/domains/tokenizers/limits.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { addOwner, newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const hashOf = (digit: string) => digit.repeat(64);
const owner = async (): Promise<AccountActor> => {
  const made = newOwner();
  await addOwner(db.database, made);
  return made;
};
const packed = new Uint8Array([1, 2, 3]);
const store = () => createTokenizerStore(db.database);
const bring = ({ tenantId }: AccountActor, model: string, hash: string, nowMs = 1) =>
  store().bring({ tenantId, model, hash, packed }, nowMs);

it('keeps a file once, lets the first count, then that of most owners, then what an operator says', async () => {
  const [alice, bob, carol] = [await owner(), await owner(), await owner()];
  expect(await bring(alice, 'llama', hashOf('a'))).toMatchObject({
    inUse: { hash: hashOf('a'), rule: 'first' },
  });
  expect(await bring(bob, 'llama', hashOf('b'), 2)).toMatchObject({ inUse: { hash: hashOf('a') } });
  expect(await store().list(bob)).toEqual([{ model: 'llama', hash: hashOf('b'), broughtAtMs: 2 }]);
  expect(await store().differences(null, 10)).toMatchObject([
    {
      inUse: { model: 'llama' },
      brought: [
        { hash: hashOf('a'), owners: 1 },
        { hash: hashOf('b'), owners: 1 },
      ],
    },
  ]);
  expect(await bring(carol, 'llama', hashOf('b'), 3)).toMatchObject({
    inUse: { hash: hashOf('b'), rule: 'majority' },
  });
  expect(await store().decide('llama', hashOf('c'), alice.accountId, 4)).toBe(null);
  expect(await store().decide('llama', hashOf('a'), alice.accountId, 4)).toMatchObject({ rule: 'operator' });
  expect(await bring(carol, 'llama', hashOf('b'), 5)).toMatchObject({ inUse: { hash: hashOf('a') } });
  expect(await store().inUse()).toMatchObject([
    { model: 'llama', hash: hashOf('a'), decidedBy: alice.accountId },
  ]);
});

it('forgets a file that nobody needs any more', async () => {
  const [alice, bob] = [await owner(), await owner()];
  await bring(alice, 'qwen', hashOf('d'));
  await bring(bob, 'qwen', hashOf('e'));
  expect(await store().read(hashOf('e'))).toEqual(Buffer.from(packed));
  await bring(bob, 'qwen', hashOf('d'));
  expect(await store().isKept(hashOf('e'))).toBe(false);
  expect(await store().isKept(hashOf('d'))).toBe(true);
});

it('takes tokenizers for so many models of a tenant', async () => {
  const alice = await owner();
  for (let index = 0; index < TENANT_TOKENIZERS_MAX; index++) {
    expect(await bring(alice, `model-${index}`, hashOf('f'))).not.toBe('full');
  }
  expect(await bring(alice, 'one-more', hashOf('f'))).toBe('full');
  expect(await bring(alice, 'model-0', hashOf('f'))).not.toBe('full');
});
