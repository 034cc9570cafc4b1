import { expect, it } from 'vitest';
import { EmptyBalances } from '../../../server/domains/requests/empty-balances.ts';
import { EMPTY_BALANCES_MAX, LARGE_PROMPT_BYTES } from '../../../server/domains/requests/limits.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';

function setUp() {
  const asked: TenantId[] = [];
  const rich = new Set<TenantId>();
  const balances = new EmptyBalances({
    async hasMoney(tenantId) {
      asked.push(tenantId);
      return rich.has(tenantId);
    },
  });
  const isEmpty = async (tenantId: TenantId, bytes = 100) =>
    (await balances.encodedUnlessEmpty(tenantId, () => new Uint8Array(bytes))) === null;
  return { balances, isEmpty, asked, rich };
}

const tenant = (number: number) => asId<TenantId>(uuid(number));

it('asks only for tenants whose balance did not reach, until they have money', async () => {
  const { balances, isEmpty, asked, rich } = setUp();
  expect(await isEmpty(tenant(1))).toBe(false);
  balances.note(tenant(1));
  expect([await isEmpty(tenant(1)), await isEmpty(tenant(1))]).toEqual([true, true]);
  rich.add(tenant(1));
  expect([await isEmpty(tenant(1)), await isEmpty(tenant(1))]).toEqual([false, false]);
  expect(asked).toHaveLength(3);
});

it('forgets whoever was noted the longest ago', async () => {
  const { balances, isEmpty, asked } = setUp();
  for (let number = 1; number <= EMPTY_BALANCES_MAX; number++) balances.note(tenant(number));
  balances.note(tenant(1));
  balances.note(tenant(EMPTY_BALANCES_MAX + 1));
  expect([await isEmpty(tenant(1)), await isEmpty(tenant(2))]).toEqual([true, false]);
  expect(asked).toEqual([tenant(1)]);
});

it('asks for everybody whose prompt is large', async () => {
  const { isEmpty, rich } = setUp();
  rich.add(tenant(1));
  expect(await isEmpty(tenant(1), LARGE_PROMPT_BYTES)).toBe(false);
  expect(await isEmpty(tenant(2), LARGE_PROMPT_BYTES)).toBe(true);
});

it('makes no body where nothing is known to be there', async () => {
  const { balances } = setUp();
  expect(await balances.encodedUnlessEmpty(tenant(1), () => new Uint8Array(LARGE_PROMPT_BYTES))).toBe(null);
  expect(await balances.encodedUnlessEmpty(tenant(1), () => expect.unreachable())).toBe(null);
});
