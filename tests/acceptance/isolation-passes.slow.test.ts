import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Delivery, decodePayload, Event, encodePayload, FrameType, Welcome } from '../../proto/index.ts';
import { ATTACKS } from '../support/attacks.ts';
import { BifrostSocket, codeOf } from '../support/bifrost-socket.ts';
import { attackEverything } from '../support/isolation-suite.ts';
import { openPolicies, type RaisedInto, withoutChecks, withRaisedDevices } from '../support/open-walls.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createWorld } from '../support/world.ts';

/** Nobody is slowed down for what he tries: every attack reaches the walls that are looked at. */
const UNSTOPPED = { YGGDRASIL_ABUSE_MEASURES: 'alert' };

/** A server of its own with these walls opened, and what the attacks got from it. */
async function attacked(
  opened: { readonly policies: boolean; readonly checks: boolean },
  look: (server: TestServer, found: readonly string[]) => void,
): Promise<void> {
  let checksOpen = false;
  const server = await startTestServer(UNSTOPPED, {
    wrapDatabase: (database) => withoutChecks(database, () => checksOpen),
  });
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

/** How long stored frames may take to a device that gets them, in milliseconds. */
const STORED_FRAMES_MS = 2_000;

/**
 * What a stranger's device gets of another tenant's network that the relay takes for its own, with every policy opened or with
 * none: the names of the events that it heard, and how a frame to be stored there is refused.
 */
async function heardByARaisedDevice(policiesOpen: boolean) {
  let raisedInto: RaisedInto | null = null;
  const server = await startTestServer(
    {},
    { wrapDatabase: (database) => withRaisedDevices(database, () => raisedInto) },
  );
  try {
    const { alice, bob } = await createWorld(server);
    const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/tenants', alice.token);
    const victim = await BifrostSocket.open(server, alice.device);
    const say = async (name: string, delivery: Delivery) => {
      victim.send({ delivery }, encodePayload(Event, { name }));
      if (delivery === Delivery.STORED) await victim.next(FrameType.ACK);
    };
    await say('first', Delivery.STORED);
    await say('second', Delivery.STORED);
    if (policiesOpen) await openPolicies(server.databaseUrl);
    raisedInto = { networkId: alice.network.id, tenantId: items[0]?.id ?? '' };
    const credentials = { ...bob.device, networkId: alice.network.id };
    const scout = await BifrostSocket.connect(server, credentials);
    scout.send({ type: FrameType.HELLO }, new Uint8Array(0));
    const { head } = decodePayload(Welcome, (await scout.next(FrameType.WELCOME)).payload);
    scout.close();
    const spy = await BifrostSocket.open(server, credentials, {
      resume: { epoch: head?.epoch ?? '', offset: 0 },
    });
    spy.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'from a stranger' }));
    const refusal = codeOf(await spy.next(FrameType.ERROR));
    await say('passing', Delivery.TRANSIENT);
    victim.send({ type: FrameType.PING });
    await victim.next(FrameType.PONG);
    spy.send({ type: FrameType.PING });
    await spy.next(FrameType.PONG);
    const namesHeard = () =>
      spy.frames
        .filter(({ header }) => header.type === FrameType.EVENT)
        .map(({ payload }) => decodePayload(Event, payload).name);
    // What is stored is read from the database, and comes when it has been read.
    const untilMs = performance.now() + STORED_FRAMES_MS;
    while (!namesHeard().includes('second') && performance.now() < untilMs) await sleep(20);
    const heard = namesHeard();
    const foreign = victim.frames.filter(({ header }) => header.type === FrameType.EVENT).length;
    spy.close();
    victim.close();
    return { heard, refusal, foreign };
  } finally {
    await server.stop();
  }
}

it('keeps what is stored from a device that the relay takes for a member: it hears what passes, and no more', async () => {
  expect(await heardByARaisedDevice(false)).toEqual({
    heard: ['passing'],
    refusal: 'network_not_found',
    foreign: 0,
  });
});

it('is seen to leak what is stored to such a device with every policy opened; it still stores nothing', async () => {
  const { heard, refusal, foreign } = await heardByARaisedDevice(true);
  expect(heard.sort()).toEqual(['first', 'passing', 'second']);
  expect({ refusal, foreign }).toEqual({ refusal: 'network_not_found', foreign: 0 });
});
