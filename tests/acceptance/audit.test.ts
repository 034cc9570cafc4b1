import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  fromHex,
  hashRecord,
  headBytes,
  isContinued,
  isIncluded,
  NO_HASH,
  toHex,
} from '../../proto/index.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type Household, type World } from '../support/world.ts';

interface AuditRecord {
  tenantId: string;
  index: number;
  at: string;
  principal: string | null;
  operation: string;
  class: string;
  outcome: string;
  objects: string[];
  reason: string | null;
  leftOut: number;
  hash: string;
  contentHash: null;
}
interface Head {
  tenantId: string;
  size: number;
  root: string;
  signedAt: string;
  publicKey: string;
  signature: string;
}

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const hash = (text: string) => fromHex(text, 32) ?? new Uint8Array();

/** A whole log, the first record first. */
async function logOf(token: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (let path = '/api/v1/audit?limit=100'; path !== ''; ) {
    const page = await server.get<{ items: AuditRecord[]; next: string | null }>(path, token);
    records.push(...page.items);
    path = page.next === null ? '' : `/api/v1/audit?limit=100&after=${page.next}`;
  }
  return records.reverse();
}

const lastHead = async (token: string) =>
  (await server.get<{ head: Head }>('/api/v1/audit/heads/last', token)).head;

const household = () => createHousehold(server, world.adminToken);

const rename = (owner: Household, name: string) =>
  server.request('PUT', `/api/v1/networks/${owner.network.id}`, { token: owner.token, body: { name } });

const whatOf = (records: readonly AuditRecord[]) =>
  records.map(({ operation, outcome }) => `${operation} ${outcome}`);

describe('the audit log of a tenant', () => {
  it('says who did what to what, without a name', async () => {
    const dora = await household();
    await rename(dora, 'Secret hideout');
    const records = await logOf(dora.token);
    expect(whatOf(records)).toEqual(['networks.create done', 'devices.create done', 'networks.update done']);
    expect(records.at(-1)).toMatchObject({
      principal: `account:${dora.userId}`,
      class: 'change',
      objects: [dora.network.id],
      reason: null,
    });
    expect(JSON.stringify(records)).not.toContain('hideout');
  });

  it('has who may not, who asks for what is not there, and who looked at the log', async () => {
    const dora = await household();
    await server.request('GET', '/api/v1/admin/stats', { token: dora.token, expect: 403 });
    await server.request('PUT', `/api/v1/networks/${world.bob.network.id}`, {
      token: dora.token,
      body: { name: 'Mine' },
      expect: 404,
    });
    await logOf(dora.token);
    const records = await logOf(dora.token);
    // What it asked for is not its own, and stands in nobody's log.
    expect(JSON.stringify(records)).not.toContain(world.bob.network.id);
    expect(whatOf(records).slice(2)).toEqual([
      'admin.stats.get forbidden',
      'networks.update network_not_found',
      'audit.records.list done',
    ]);
  });

  it('is a chain of its own from 0, whatever others do', async () => {
    const [dora, emil] = await Promise.all([household(), household()]);
    await Promise.all([rename(dora, 'One'), rename(emil, 'Two'), rename(emil, 'Three')]);
    for (const { token } of [dora, emil]) {
      let before: Uint8Array = NO_HASH;
      for (const [index, { at, hash: sealed, contentHash, ...record }] of (await logOf(token)).entries()) {
        expect(record.index).toBe(index);
        before = await hashRecord({ ...record, atMs: Date.parse(at), contentHash }, before, sha256);
        expect(toHex(before)).toBe(sealed);
      }
    }
  });

  it('records nothing of what was refused for another reason, and no frame', async () => {
    const dora = await household();
    await server.request('POST', '/api/v1/networks', { token: dora.token, body: { name: '' }, expect: 400 });
    await server.request('POST', '/api/v1/networks', {
      token: dora.token,
      body: { name: dora.network.name },
      expect: 409,
    });
    expect(await logOf(dora.token)).toHaveLength(2);
  });

  it('leaves out refusals beyond what a minute has room for, and counts them in the next one', async () => {
    const dora = await household();
    for (let count = 0; count < 130; count++) {
      await server.request('GET', '/api/v1/admin/stats', { token: dora.token, expect: 403 });
    }
    await rename(dora, 'Still recorded');
    const records = await logOf(dora.token);
    const refused = records.filter(({ outcome }) => outcome === 'forbidden').length;
    const leftOut = records.reduce((sum, record) => sum + record.leftOut, 0);
    // At the turn of a minute there is room for all of them.
    expect([120, 130]).toContain(refused + (refused > 120 ? leftOut : 0));
    expect(records.some(({ operation }) => operation === 'networks.update')).toBe(true);
  });

  it('says who signed in, in the log of the own tenant', async () => {
    const records = await logOf(world.adminToken);
    expect(records[0]).toMatchObject({ operation: 'users.signIn', class: 'access', outcome: 'done' });
    expect(records[0]?.principal).toMatch(/^account:/);
  });

  it('is shown to owners and administrators alone', async () => {
    const { alice } = world;
    expect((await server.request('GET', '/api/v1/audit', { token: alice.device.token })).status).toBe(403);
    expect((await server.request('GET', '/api/v1/audit')).status).toBe(401);
  });
});

describe('a signed head', () => {
  it('is signed by the key of the server, and proves each record', async () => {
    const dora = await household();
    const head = await lastHead(dora.token);
    const root = hash(head.root);
    const key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), hash(head.publicKey)]),
      format: 'der',
      type: 'spki',
    });
    const signed = headBytes({ ...head, root, signedAtMs: Date.parse(head.signedAt) });
    expect(verify(null, signed, key, Buffer.from(head.signature, 'hex'))).toBe(true);
    for (const record of await logOf(dora.token)) {
      const proof = await server.get<{ record: AuditRecord; head: Head; path: string[] }>(
        `/api/v1/audit/proofs/${record.index}`,
        dora.token,
      );
      expect(proof.record).toEqual(record);
      const found = { hash: hash(record.hash), index: record.index };
      const under = { size: proof.head.size, root: hash(proof.head.root) };
      expect(await isIncluded(found, under, proof.path.map(hash), sha256)).toBe(true);
    }
  });

  it('is the beginning of each later one, over more records than a block has', async () => {
    const dora = await household();
    const heads = [await lastHead(dora.token)];
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 20; count++) {
        await Promise.all(Array.from({ length: 6 }, (_, index) => rename(dora, `Home ${count} ${index}`)));
      }
      heads.push(await lastHead(dora.token));
    }
    const after = heads.at(-1) as Head;
    expect(after.size).toBeGreaterThan(260);
    for (const before of heads) {
      const { path } = await server.get<{ path: string[] }>(
        `/api/v1/audit/consistency?from=${before.size}&to=${after.size}`,
        dora.device.token,
      );
      const [older, newer] = [before, after].map(({ size, root }) => ({ size, root: hash(root) }));
      expect(await isContinued(older as never, newer as never, path.map(hash), sha256)).toBe(true);
    }
  });
});

describe('what is no tenant’s', () => {
  it('is in the log of the platform, which operators read', async () => {
    await server.request('GET', '/api/v1/networks', { token: 'wrong', expect: 401 });
    await server.request('POST', '/api/v1/setup', { body: { code: 'wrong', name: 'X' } });
    const { items } = await server.get<{ items: AuditRecord[] }>(
      '/api/v1/admin/audit?limit=200',
      world.adminToken,
    );
    expect(whatOf(items)).toContain('networks.list unauthenticated');
    expect(whatOf(items)).toContain('users.setUp done');
    expect(items.every(({ principal }) => principal === null)).toBe(true);
  });
});

describe('an operator who looks into a tenant', () => {
  it('stands in the log of that tenant with the reason, before it sees any of it', async () => {
    const dora = await household();
    const tenantId = (await lastHead(dora.token)).tenantId;
    const reason = 'Ticket 4711: the tenant asked us to look';
    const { items } = (
      await server.request('POST', '/api/v1/admin/audit/inspections', {
        token: world.adminToken,
        body: { tenantId, reason },
        expect: 200,
      })
    ).body as unknown as { items: AuditRecord[] };
    expect(items.at(-1)).toMatchObject({ operation: 'audit.inspections.create', class: 'emergency', reason });
    expect(items.at(-1)?.principal).toMatch(/^account:/);
    expect((await logOf(dora.token)).map(({ reason }) => reason)).toContain(reason);
  });
});
