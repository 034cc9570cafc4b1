import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../server/platform/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let scratch: TestDatabase;
beforeAll(async () => {
  scratch = await createTestDatabase();
});
afterAll(() => scratch?.close());

async function askOwner<T extends object>(query: string): Promise<T[]> {
  const sql = connect(scratch.url, { connectionsMax: 1 });
  try {
    return [...(await sql.unsafe<T[]>(query))];
  } finally {
    await sql.end();
  }
}

test('every table enforces row-level security, for its owner too', async () => {
  const open = await askOwner(`
    SELECT relname FROM pg_class
    WHERE relnamespace = 'yggdrasil'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migrations'
      AND NOT (relrowsecurity AND relforcerowsecurity)`);
  expect(open).toEqual([]);
});

test("every table with a tenant's rows names the tenant in each row", async () => {
  const nullable = await askOwner(`
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'yggdrasil' AND column_name = 'tenant_id' AND is_nullable = 'YES'
      AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'yggdrasil')`);
  expect(nullable).toEqual([]);
});

test('every view asks with the rights of who asks', async () => {
  const views = await askOwner<{ options: string[] | null }>(`
    SELECT relname, reloptions AS options FROM pg_class
    WHERE relkind = 'v' AND relnamespace = 'yggdrasil'::regnamespace`);
  expect(views.length).toBeGreaterThan(0);
  for (const { options } of views) expect(options).toContain('security_invoker=true');
});

test('every policy for tenants compares with the current tenant, worked out once for a statement', async () => {
  const loose = await askOwner(`
    SELECT tablename, policyname FROM pg_policies
    WHERE schemaname = 'yggdrasil' AND 'yggdrasil_tenant' = ANY (roles)
      AND coalesce(qual, with_check) !~ '\\( SELECT (current|whole|administered)_tenant_id\\(\\)'`);
  expect(loose).toEqual([]);
});

test('no policy for tenants asks who acts once for each row', async () => {
  const slow = await askOwner(`
    SELECT tablename, policyname FROM pg_policies
    WHERE schemaname = 'yggdrasil' AND 'yggdrasil_tenant' = ANY (roles)
      AND regexp_replace(coalesce(qual, '') || coalesce(with_check, ''), '\\( SELECT [a-z_]+\\(\\)', '', 'g') ~ '[a-z_]+\\(\\)'`);
  expect(slow).toEqual([]);
});

test("money and trade are the whole tenant's: who is a member of single networks sees none, nor does a device", async () => {
  const policies = await askOwner<{ tablename: string; qual: string }>(`
    SELECT tablename, qual FROM pg_policies
    WHERE schemaname = 'yggdrasil' AND 'yggdrasil_tenant' = ANY (roles)
      AND tablename ~ '^(ledger|marketplace|quality|payment)_'`);
  expect(policies.length).toBeGreaterThan(5);
  for (const { tablename, qual } of policies) expect(qual, tablename).toContain('( SELECT whole_tenant_id()');
});

test('nobody but the owner may truncate, add triggers or reference, and nothing is granted to all', async () => {
  const grants = await askOwner(`
    SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges
    WHERE table_schema = 'yggdrasil' AND grantee <> current_user
      AND (grantee = 'PUBLIC' OR privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))`);
  expect(grants).toEqual([]);
});

test('what belongs to an account or a tenant goes with it, but for what deleting an account removes by itself', async () => {
  const kept = await askOwner<{ owner: string; names: string }>(`
    SELECT conrelid::regclass::text AS owner, confrelid::regclass::text AS names FROM pg_constraint
    WHERE contype = 'f' AND confdeltype NOT IN ('c', 'n')
      AND confrelid IN ('yggdrasil.tenants'::regclass, 'yggdrasil.accounts'::regclass)
    ORDER BY 1`);
  expect(kept.map(({ owner }) => owner.replace('yggdrasil.', ''))).toEqual([
    'accounts',
    'devices',
    'networks',
  ]);
});

test("a tenant's role reads no hash of a token and no sealed key, also not of its own devices", async () => {
  const readable = await askOwner<{ name: string }>(`
    SELECT table_name || '.' || column_name AS name FROM information_schema.column_privileges
    WHERE table_schema = 'yggdrasil' AND grantee = 'yggdrasil_tenant' AND privilege_type = 'SELECT'
      AND column_name ~ '(hash|sealed|secret)'
    ORDER BY 1`);
  // Hashes of records of the audit, which whoever reads the records is shown, and of files that providers publish.
  expect(readable.map(({ name }) => name)).toEqual([
    'audit_receipts.content_hash',
    'audit_records.content_hash',
    'audit_records.hash',
    'marketplace_brought_tokenizers.hash',
  ]);
});
