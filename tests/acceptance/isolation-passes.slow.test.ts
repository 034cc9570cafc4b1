import { expect, it } from 'vitest';
import { ATTACKS } from '../support/attacks.ts';
import { attackEverything } from '../support/isolation-suite.ts';
import { openPolicies, withoutChecks } from '../support/open-walls.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** A server of its own with these walls opened, and what the attacks got from it. */
async function attacked(
  opened: { readonly policies: boolean; readonly checks: boolean },
  look: (server: TestServer, found: readonly string[]) => void,
): Promise<void> {
  let checksOpen = false;
  const server = await startTestServer(
    {},
    { wrapDatabase: (database) => withoutChecks(database, () => checksOpen) },
  );
  try {
    const found = await attackEverything(server, async () => {
      checksOpen = opened.checks;
      if (opened.policies) expect(await openPolicies(server.databaseUrl)).toBeGreaterThan(20);
    });
    look(server, found);
  } finally {
    await server.stop();
  }
}

const nothing = (_: TestServer, found: readonly string[]) => expect(found).toEqual([]);

it('keeps tenants apart as it is, for every operation that asks who calls', async () => {
  await attacked({ policies: false, checks: false }, (server, found) => {
    nothing(server, found);
    const attackedOperations = new Set(ATTACKS.map(({ operation }) => operation));
    const missing = [...server.catalogue.rest, ...server.catalogue.openai].filter(
      ({ access, operation }) => access !== 'public' && !attackedOperations.has(operation),
    );
    expect(missing.map(({ operation }) => operation)).toEqual([]);
  });
});

it('keeps tenants apart by its services and statements alone, with every policy opened', async () => {
  await attacked({ policies: true, checks: false }, nothing);
});

it('keeps tenants apart by policies alone, with every role raised and every comparison with the tenant opened', async () => {
  await attacked({ policies: false, checks: true }, nothing);
});

it('is seen to leak with both opened: in lists, by ids, by changes', async () => {
  await attacked({ policies: true, checks: true }, (_, found) => {
    const all = found.join('\n');
    for (const leak of [
      'a stranger: networks.list tells',
      'a stranger: devices.list tells',
      'a stranger: networks.get answers 200',
      'a stranger: devices.get answers 200',
      'a stranger: marketplace.transactions.get tells',
      'a guest of one network: ledger.entries.list tells',
      'a guest of one network: marketplace.transactions.get answers 200',
      'rows of networks changed',
      'rows of devices changed',
    ]) {
      expect(all).toContain(leak);
    }
  });
});
