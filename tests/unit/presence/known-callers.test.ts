import { expect, it } from 'vitest';
import { createKnownCallers } from '../../../server/domains/presence/index.ts';
import { CALLER_KNOWN_MS } from '../../../server/domains/presence/limits.ts';
import type { AccountActor, Actor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { type AccountId, asId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestConnections } from '../../support/connections.ts';
import { uuid } from '../../support/frames.ts';

const [homeId, firmId] = [1, 2].map((number) => asId<TenantId>(uuid(number))) as [TenantId, TenantId];
const alice: AccountActor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: homeId,
  accountId: asId<AccountId>(uuid(5)),
  role: 'member',
  networkIds: null,
  operator: false,
};
const gone = new AppError('unauthenticated', 'unauthenticated', 'gone');
const token = new Uint8Array(32).fill(1);

function setUp() {
  const clock = new FakeClock();
  const { connections } = createTestConnections(clock);
  const callers = createKnownCallers({ connections, clock });
  let asked = 0;
  const identify = (actor: Actor | null = alice, tenantId: TenantId | null = null, hash = token) =>
    callers.identify(hash, tenantId, async () => {
      asked++;
      return actor;
    });
  return { clock, connections, callers, identify, asked: () => asked };
}

it('asks once in a second for a token, and anew for another tenant or another token', async () => {
  const { clock, identify, asked } = setUp();
  expect([await identify(), await identify()]).toEqual([alice, alice]);
  expect(asked()).toBe(1);
  await identify({ ...alice, tenantId: firmId }, firmId);
  await identify(alice, null, new Uint8Array(32).fill(2));
  expect(asked()).toBe(3);
  clock.advance(CALLER_KNOWN_MS);
  await identify();
  expect(asked()).toBe(4);
});

it('remembers neither that nobody has a token nor that it was refused', async () => {
  const { callers, identify, asked } = setUp();
  expect(await identify(null)).toBeNull();
  await expect(callers.identify(token, null, () => Promise.reject(gone))).rejects.toBe(gone);
  expect(await identify()).toBe(alice);
  expect(asked()).toBe(2);
});

it.each([
  ['its credential ends', { accountId: alice.accountId, credentialId: alice.credentialId }],
  ['its account ends', { accountId: alice.accountId }],
  ['its tenant ends', { tenantId: homeId }],
  ['a network of its tenant ends', { tenantId: homeId, networkId: asId<NetworkId>(uuid(7)) }],
])('asks anew as soon as %s', async (_, filter) => {
  const { connections, identify, asked } = setUp();
  await identify();
  connections.end({ tenantId: firmId }, gone);
  await identify();
  expect(asked()).toBe(1);
  connections.end(filter, gone);
  await identify();
  expect(asked()).toBe(2);
  connections.changed(filter);
  await identify();
  expect(asked()).toBe(3);
});

it('does not remember what was taken away while it was being asked for', async () => {
  const { connections, callers, identify, asked } = setUp();
  let answer = (_: Actor) => {};
  const asking = callers.identify(
    token,
    null,
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  connections.end({ accountId: alice.accountId }, gone);
  answer(alice);
  await asking;
  await identify(null);
  expect(asked()).toBe(1);
});

it('asks once for all who show a token at the same time, and anew for who comes after a change', async () => {
  const { connections, callers } = setUp();
  const answers: ((actor: Actor) => void)[] = [];
  const ask = () => new Promise<Actor>((resolve) => void answers.push(resolve));
  const identify = () => callers.identify(token, null, ask);
  const before = [identify(), identify()];
  expect(answers).toHaveLength(1);
  connections.end({ accountId: alice.accountId }, gone);
  const after = identify();
  expect(answers).toHaveLength(2);
  const changed: AccountActor = { ...alice, role: 'guest' };
  answers[1]?.(changed);
  answers[0]?.(alice);
  expect(await Promise.all([...before, after])).toEqual([alice, alice, changed]);
  expect(await identify()).toBe(changed);
});

it('remembers nobody beyond the end of the credential', async () => {
  const { clock, identify, asked } = setUp();
  await identify({ ...alice, expiresAtMs: clock.nowMs() + 10 });
  clock.advance(9);
  await identify();
  expect(asked()).toBe(1);
  clock.advance(1);
  await identify(null);
  expect(asked()).toBe(2);
});
