import { expect, test } from 'vitest';
import { createTopUp } from '../../../server/transports/rest/ledger/create-top-up.ts';
import { getProvider } from '../../../server/transports/rest/marketplace/get-provider.ts';
import { getTransaction } from '../../../server/transports/rest/marketplace/get-transaction.ts';
import { listTransactions } from '../../../server/transports/rest/marketplace/list-transactions.ts';
import { serving } from './rest-under-test.ts';

const ID = 'abcdef00-0000-4000-8000-00000000000e';
const UPPER = ID.toUpperCase();

/** A service that keeps what it is asked and gives no answer. */
function keeping<Method extends string>(method: Method) {
  const asked: unknown[] = [];
  const service = {
    [method]: async (_actor: unknown, ...rest: unknown[]) => {
      asked.push(...rest);
      throw new Error('kept');
    },
  };
  return { asked, service: service as never };
}

test('an id in upper case reaches the ledger in lower case', async () => {
  const { asked, service } = keeping('topUp');
  const body = JSON.stringify({ userId: UPPER, amountCents: 5 });
  await serving(createTopUp({ ledger: service })).ask({ token: 'ygu_admin', body });
  expect(asked).toEqual([{ accountId: ID, amountMicrocents: 5_000_000n, idempotencyKey: null }]);
});

test('an id in upper case reaches the marketplace in lower case, in a path and in a cursor', async () => {
  const provider = keeping('getProvider');
  const registrations = { find: async () => null } as never;
  await serving(getProvider({ providers: provider.service, registrations })).ask({
    token: 'ygu_user',
    params: { providerId: UPPER },
  });
  expect(provider.asked).toEqual([ID]);
  const transaction = keeping('getTransaction');
  await serving(getTransaction({ transactions: transaction.service })).ask({
    token: 'ygu_user',
    params: { transactionId: UPPER },
  });
  expect(transaction.asked).toEqual([ID]);
  const list = keeping('listTransactions');
  await serving(listTransactions({ transactions: list.service })).ask({
    token: 'ygu_user',
    query: `after=${Buffer.from(JSON.stringify(['17', UPPER])).toString('base64url')}`,
  });
  expect(list.asked).toEqual([{ role: 'requester', after: { createdAtMs: 17, id: ID }, limit: 50 }]);
});
