import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccountStore } from '../../../server/domains/accounts/index.ts';
import { makeToken } from '../../../server/domains/accounts/tokens.ts';
import { createResumptionService, createResumptionStore } from '../../../server/domains/sessions/index.ts';
import { TICKETS_MAX } from '../../../server/domains/sessions/limits.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

let db: TestDatabase;
let tenantId: TenantId;
const clock = new FakeClock();
const random = createSeededRandom(1);
const core = createServerCore();
const publicKey = new Uint8Array(32).fill(3);

beforeAll(async () => {
  db = await createTestDatabase();
  tenantId = asId<TenantId>(random.uuid());
  const account = {
    id: asId<AccountId>(random.uuid()),
    homeTenantId: tenantId,
    name: 'Ann',
    operator: false,
  };
  const { token } = makeToken('First', { clock, random, hash: () => random.bytes(32) });
  const store = createAccountStore(db.database, createTenantRows());
  await store.addAccount({ ...account, createdAtMs: clock.nowMs() }, token, null);
});
afterAll(() => db.close());

/** The service as a node has it. */
const node = () =>
  createResumptionService({
    store: createResumptionStore(db.database),
    secretBox: createSecretBox(new Uint8Array(32).fill(7)),
    clock,
    random,
    hash: (text) => core.sha256(new TextEncoder().encode(text)),
  });
const holder = { token: 'ygu_x', tenantId: '', publicKey };

it('is found on any node, for its own key, and used once, however many try at the same time', async () => {
  const ticket = await node().issue(tenantId, holder);
  expect(await node().find(ticket, publicKey)).toEqual(holder);
  expect(await node().find(ticket, new Uint8Array(32))).toBeNull();
  expect(await node().find(new Uint8Array(32), publicKey)).toBeNull();
  const uses = await Promise.all([node().use(ticket), node().use(ticket), node().use(ticket)]);
  expect(uses.filter((used) => used)).toHaveLength(1);
});

it('is over ten minutes after the end of its session', async () => {
  const ticket = await node().issue(tenantId, holder);
  clock.advance(599_999);
  await node().extend(ticket);
  clock.advance(599_999);
  await node().removeExpired();
  expect(await node().find(ticket, publicKey)).not.toBeNull();
  clock.advance(1);
  expect(await node().find(ticket, publicKey)).toBeNull();
  expect(await node().use(ticket)).toBe(false);
  await node().removeExpired();
});

it('makes room for later ones of its tenant', async () => {
  const first = await node().issue(tenantId, holder);
  for (let count = 0; count < TICKETS_MAX; count++) {
    clock.advance(1);
    await node().issue(tenantId, holder);
  }
  expect(await node().find(first, publicKey)).toBeNull();
});
