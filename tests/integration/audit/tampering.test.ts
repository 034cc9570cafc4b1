import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditLog,
  type AuditStore,
  createAuditLog,
  createAuditStore,
  loadSigningKeys,
  type SignedHead,
  type StoredKey,
  verifyAudit,
} from '../../../server/domains/audit/index.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { createSecretBox, ed25519 } from '../../../server/platform/secrets/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';

/** Logs that the owner of the database changes, with all that a database knows and without the server's secrets. */
const RECORDS = 40;
const secretBox = createSecretBox(randomBytes(32));
const [clock, random] = [createSystemClock(), createSystemRandom()];

let db: TestDatabase;
let owner: ReturnType<typeof connect>;
let store: AuditStore;
let log: AuditLog;
let tenantId: TenantId;

beforeAll(async () => {
  db = await createTestDatabase();
  store = createAuditStore(db.database);
  const keys = await loadSigningKeys(store, { secretBox, ed25519, random, clock });
  log = createAuditLog(
    { retentionDays: 30, recordsMax: 512 },
    { store, keys: () => keys, clock, logger: silentLogger, flush: async () => {} },
  );
  owner = connect(db.url, { connectionsMax: 1 });
});
afterAll(async () => {
  await owner?.end();
  await db?.close();
});
beforeEach(async () => {
  tenantId = asId<TenantId>(randomUUID());
  await note(RECORDS);
  await log.signHead(tenantId);
});

async function note(count: number, atMs = clock.nowMs()): Promise<void> {
  await store.note(
    Array.from({ length: count }, (_, index) => ({
      tenantId,
      atMs: atMs + index,
      principal: `account:${randomUUID()}`,
      operation: 'networks.update',
      class: 'change' as const,
      outcome: 'done',
      objects: [randomUUID()],
      reason: null,
      leftOut: 0,
    })),
  );
  await log.seal();
}

const headNow = async () => (await store.findLastHead(tenantId)) as SignedHead;

async function verify(witnessed: readonly SignedHead[] = []) {
  return verifyAudit({ tenantId, witnessed }, { reader: store, secretBox, ed25519 });
}

const problems = async (witnessed: readonly SignedHead[] = []) =>
  (await verify(witnessed)).problems.map(({ index, what }) => `${index} ${what}`);

/** Gives the records from `from` on hashes that fit what they say, as the server would. */
async function reseal(from: number): Promise<void> {
  await owner`
    WITH moved AS (
      INSERT INTO audit_pending (tenant_id, at, principal, operation, class, outcome, objects, reason, left_out)
      SELECT tenant_id, at, principal, operation, class, outcome, objects, reason, left_out
      FROM audit_records WHERE tenant_id = ${tenantId} AND index >= ${from} ORDER BY index RETURNING 1)
    SELECT count(*) FROM moved`;
  await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index >= ${from}`;
  await owner`
    UPDATE audit_chains SET size = ${from}, last_hash = (
      SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index = ${from - 1})
    WHERE tenant_id = ${tenantId}`;
  await log.seal();
}

describe('a log as it was written', () => {
  it('has no problem, with whatever heads', async () => {
    const heads = [await headNow()];
    for (const count of [1, 215, 1, 255, 1]) {
      await note(count);
      await store.saveHead(await signed(), []);
      await log.signHeads();
      heads.push(await headNow());
    }
    expect(await verify(heads)).toMatchObject({ logs: 1, records: 513, problems: [], witnessedHeads: 6 });
  });

  it('has none after its oldest records have gone by the rule, and its later proofs still hold', async () => {
    const early = await headNow();
    await note(1_000);
    await log.signHeads();
    const before = await headNow();
    await log.removeOld();
    const chain = await store.findChain(tenantId);
    expect(chain).toMatchObject({ size: 1_040, firstIndex: 512 });
    await note(300);
    await log.signHeads();
    expect(await verify([before, await headNow(), early])).toMatchObject({
      records: 828,
      tooOld: 1,
      problems: [],
    });
    await owner`UPDATE audit_records SET outcome = 'forbidden' WHERE tenant_id = ${tenantId} AND index = 512`;
    expect(await problems()).toEqual([expect.stringMatching(/^512 changed/)]);
  });

  it('has none while records are added and signed for as it is read, and old ones go', async () => {
    let steps = 0;
    /** Does something to the log before each of the first reads. */
    const busy = (work: () => Promise<void>) =>
      new Proxy(store, {
        get:
          (target, name: keyof AuditStore) =>
          async (...args: unknown[]) => {
            if (steps++ < 12) await work();
            return (target[name] as (...all: unknown[]) => unknown)(...args);
          },
      });
    const adding = busy(async () => {
      await note(10);
      await log.signHeads();
    });
    const read = (reader: AuditStore) =>
      verifyAudit({ tenantId, witnessed: [] }, { reader, secretBox, ed25519 });
    expect((await read(adding)).problems).toEqual([]);
    await note(1_000);
    await log.signHeads();
    steps = 5;
    expect((await read(busy(() => log.removeOld()))).problems).toEqual([]);
    expect((await store.findChain(tenantId))?.firstIndex).toBeGreaterThan(0);
  });

  it('loses records that are too old, and none that is not', async () => {
    const old = asId<TenantId>(randomUUID());
    tenantId = old;
    await note(300, clock.nowMs() - 31 * 86_400_000);
    await note(300);
    await log.signHeads();
    await log.removeOld();
    expect(await store.findChain(old)).toMatchObject({ size: 600, firstIndex: 256 });
    expect(await problems()).toEqual([]);
  });
});

/** The head of now, signed at once. */
async function signed(): Promise<SignedHead> {
  return (await log.signHead(tenantId)) as SignedHead;
}

describe('who changes the log in the database is found out:', () => {
  it('a record that says something else', async () => {
    await owner`UPDATE audit_records SET outcome = 'forbidden' WHERE tenant_id = ${tenantId} AND index = 17`;
    expect(await problems()).toEqual([expect.stringMatching(/^17 changed/)]);
  });

  it.each([
    ['at', "at = at + interval '1 ms'"],
    ['principal', "principal = 'account:00000000-0000-4000-8000-000000000001'"],
    ['operation', "operation = 'networks.remove'"],
    ['class', "class = 'access'"],
    ['objects', "objects = '{}'"],
    ['reason', "reason = 'Because'"],
    ['left_out', 'left_out = 1'],
  ])('another %s', async (_, change) => {
    await owner.unsafe(`UPDATE audit_records SET ${change} WHERE tenant_id = '${tenantId}' AND index = 5`);
    expect(await problems()).toEqual([expect.stringMatching(/^5 changed/)]);
  });

  it('a record that was removed', async () => {
    await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index = 9`;
    expect((await problems())[0]).toBe('9 removed: records 9 to 9 are gone');
  });

  it('the end that was cut, also where the chain was made to fit', async () => {
    await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index >= 35`;
    expect((await problems())[0]).toBe('35 the end is cut: records 35 to 39 are gone');
    await owner`
      UPDATE audit_chains SET size = 35, last_hash = (
        SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index = 34) WHERE tenant_id = ${tenantId}`;
    expect(await problems()).toEqual(['40 the end is cut: 40 records were signed for, and 35 are there']);
  });

  it('two records in each other’s place', async () => {
    await owner`UPDATE audit_records SET index = 1000 WHERE tenant_id = ${tenantId} AND index = 11`;
    await owner`UPDATE audit_records SET index = 11 WHERE tenant_id = ${tenantId} AND index = 20`;
    await owner`UPDATE audit_records SET index = 20 WHERE tenant_id = ${tenantId} AND index = 1000`;
    const found = await problems();
    expect(found.slice(0, 2)).toEqual([
      '11 reordered: it was sealed as record 20',
      '20 reordered: it was sealed as record 11',
    ]);
  });

  it('a record that was put between two others', async () => {
    await owner`
      UPDATE audit_records SET index = index + 1001 WHERE tenant_id = ${tenantId} AND index >= 30`;
    await owner`UPDATE audit_records SET index = index - 1000 WHERE tenant_id = ${tenantId} AND index >= 1000`;
    await owner`
      INSERT INTO audit_records (tenant_id, index, at, principal, operation, class, outcome, objects, reason, left_out, hash)
      SELECT tenant_id, 30, at, principal, operation, class, outcome, objects, reason, left_out, hash
      FROM audit_records WHERE tenant_id = ${tenantId} AND index = 29`;
    const found = await problems();
    expect(found[0]).toMatch(/^40 inserted/);
    expect(found.some((problem) => /^30 (changed|reordered)/.test(problem))).toBe(true);
  });

  it('a history that was written again with hashes that fit', async () => {
    await owner`UPDATE audit_records SET outcome = 'forbidden' WHERE tenant_id = ${tenantId} AND index = 25`;
    await reseal(25);
    expect(await problems()).toEqual([
      '40 another history: the first 40 records are not those that were signed for',
    ]);
  });

  it('and where in it, once blocks are whole', async () => {
    await note(600);
    await log.signHeads();
    await owner`UPDATE audit_records SET outcome = 'forbidden' WHERE tenant_id = ${tenantId} AND index = 300`;
    await reseal(300);
    const found = await problems();
    expect(found[0]).toBe('256 rewritten: records 256 to 511 are not those of their kept hash');
    expect(found.at(-1)).toMatch(/^640 another history/);
  });

  it('a head that another key has signed', async () => {
    const other = createSecretBox(randomBytes(32));
    const head = await headNow();
    const made: StoredKey[] = [];
    const stranger = await loadSigningKeys(
      {
        listKeys: async () => made,
        saveKey: async (key) => {
          made.push(key);
        },
      },
      { secretBox: other, ed25519, random, clock },
    );
    const forged = stranger.sign({ ...head, root: randomBytes(32) });
    await owner`ALTER TABLE audit_keys NO FORCE ROW LEVEL SECURITY`;
    await owner`
      INSERT INTO audit_keys (id, public_key, private_key_sealed, created_at)
      VALUES (${forged.keyId}, ${forged.publicKey}, ${made[0]?.privateKeySealed ?? ''}, now())`;
    await owner`
      UPDATE audit_heads SET root = ${forged.root}, signature = ${forged.signature}, key_id = ${forged.keyId}
      WHERE tenant_id = ${tenantId} AND size = 40`;
    expect(await problems()).toEqual(['40 the head of 40 records is not signed by this server']);
  });
});

describe('a witness finds what nobody finds without it:', () => {
  it('an end that was cut with its heads', async () => {
    const witnessed = [await headNow()];
    await owner`DELETE FROM audit_heads WHERE tenant_id = ${tenantId}`;
    await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index >= 35`;
    await owner`
      UPDATE audit_chains SET size = 35, last_hash = (
        SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index = 34) WHERE tenant_id = ${tenantId}`;
    expect(await problems()).toEqual([]);
    expect(await problems(witnessed)).toEqual([
      '40 the end is cut: 40 records a witness has kept, and 35 are there',
    ]);
  });

  it('a second history, which the server itself has signed', async () => {
    const witnessed = [await headNow()];
    await owner`DELETE FROM audit_heads WHERE tenant_id = ${tenantId}`;
    await owner`UPDATE audit_records SET outcome = 'forbidden' WHERE tenant_id = ${tenantId} AND index = 25`;
    await reseal(25);
    await note(5);
    await log.signHeads();
    expect(await problems()).toEqual([]);
    expect(await problems(witnessed)).toEqual([
      '40 another history: the first 40 records are not those that a witness has kept',
    ]);
  });

  it('a log that is gone as a whole', async () => {
    const witnessed = [await headNow()];
    for (const table of ['audit_heads', 'audit_records', 'audit_chains']) {
      await owner.unsafe(`DELETE FROM ${table} WHERE tenant_id = '${tenantId}'`);
    }
    expect(await problems()).toEqual([]);
    expect(await problems(witnessed)).toEqual([
      '40 a witness has a head of 40 records, and the whole log is gone',
    ]);
  });

  it('but takes no head for the server’s that isn’t', async () => {
    const head = await headNow();
    const forged = { ...head, root: randomBytes(32) };
    expect(await problems([forged])).toEqual([
      "40 the witness's head of 40 records is not signed by this server",
    ]);
  });
});

describe('no role of the server', () => {
  const TABLES = [
    'audit_pending',
    'audit_chains',
    'audit_records',
    'audit_nodes',
    'audit_keys',
    'audit_heads',
    'audit_countersignatures',
  ];
  it('may change or remove anything of the audit', async () => {
    const rights = await owner`
      SELECT grantee, table_name, privilege_type FROM information_schema.table_privileges
      WHERE table_schema = 'yggdrasil' AND table_name = ANY(${TABLES}) AND grantee <> current_user
        AND privilege_type NOT IN ('SELECT', 'INSERT')`;
    expect([...rights]).toEqual([]);
    for (const job of ['identity', 'money', 'relay', 'node'] as const) {
      for (const table of TABLES) {
        for (const statement of [`DELETE FROM ${table}`, `UPDATE ${table} SET tenant_id = tenant_id`]) {
          const attempt = db.database.system(job, (sql) => sql.unsafe(statement));
          await expect(attempt, `${job}: ${statement}`).rejects.toThrow(/permission denied|does not exist/);
        }
      }
    }
  });

  it('writes a record into a chain by itself', async () => {
    const attempt = db.database.system(
      'node',
      (sql) => sql`INSERT INTO audit_records SELECT * FROM audit_records LIMIT 1`,
    );
    await expect(attempt).rejects.toThrow(/permission denied/);
  });

  it('notes what another tenant does', async () => {
    const service = { kind: 'service', tenantId, service: 'test' } as const;
    const attempt = db.database.tenant(
      service,
      (sql) =>
        sql`
        INSERT INTO audit_pending (tenant_id, at, operation, class, outcome, objects, left_out)
        VALUES (${randomUUID()}, now(), 'networks.update', 'change', 'done', '{}', 0)`,
    );
    await expect(attempt).rejects.toThrow(/row-level security/);
  });
});
