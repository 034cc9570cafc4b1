import { describe, expect, it } from 'vitest';
import { decodePayload, FrameType, ThorAction, uuidFromBytes } from '../../../proto/index.ts';
import type { ActionStore } from '../../../server/domains/actions/index.ts';
import {
  EVENTS_MAX,
  GIVE_RETRY_MS,
  READERS_PER_PRINCIPAL_MAX,
  RESUMES_INTERVAL_MS,
  RESUMES_MAX,
} from '../../../server/domains/actions/limits.ts';
import { DeviceQueues } from '../../../server/domains/actions/queues.ts';
import { createActionService } from '../../../server/domains/actions/service.ts';
import type { ActionEvent, AskedAction } from '../../../server/domains/actions/types.ts';
import type { ServerFrame } from '../../../server/domains/relay/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { ACTION_COMMAND, createActionOutlet } from '../../../server/transports/frames/action-frames.ts';
import { newOwner, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { createMemoryLogger } from '../../support/logger.ts';
import { MemoryActions } from '../../support/memory-actions.ts';
import { PLENTY } from '../../support/storage-room.ts';

const networkId = asId<NetworkId>(uuid(2));
const deviceId = asId<DeviceId>(uuid(3));
const done = { kind: 'end', state: 'done', error: null, values: {} } as const;

/** What a device is connected by; it knows actions unless a test says otherwise. */
function line() {
  const told: ServerFrame[] = [];
  const commands: string[] = [];
  const world = {
    isConnected: true,
    mayAsk: true,
    capabilities: async (): Promise<{ commands: string[] }> => ({ commands: [ACTION_COMMAND] }),
  };
  const relay = {
    isConnected: () => world.isConnected,
    tell: (_: string, frame: ServerFrame) => {
      if (world.isConnected) told.push(frame);
      return world.isConnected;
    },
    sendToDevice: async ({ id }: { id: string }) => commands.push(id),
  };
  const outlet = createActionOutlet(relay, { findCapabilities: () => world.capabilities() });
  const given = () =>
    told
      .filter(({ type }) => type === FrameType.THOR_ACTION)
      .map(({ payload }) => uuidFromBytes(decodePayload(ThorAction, payload).actionId));
  return { world, commands, outlet, given };
}

const WHAT: AskedAction = {
  deviceId,
  networkId,
  networkTenantId: null,
  id: null,
  name: 'led.blink',
  arguments: {},
  priority: 5,
  timeoutMs: 60_000,
  causeId: null,
};

/** A server in memory with one device, which is connected. */
function home(changes: Partial<ActionStore> = {}) {
  const owner = newOwner();
  const clock = new FakeClock();
  const kept = new MemoryActions();
  const { logger, lines } = createMemoryLogger();
  const { world, outlet, ...rest } = line();
  const mayAsk = async () => world.mayAsk;
  const store = { ...bound(kept.store(() => true)), mayAsk, ...changes };
  const actions = createActionService({
    store,
    devices: { getDevice: async () => ({ networkIds: [networkId] }) as never },
    networks: { getNetwork: async () => ({}) as never },
    members: { isMember: async () => true },
    permissions: { requireAllowed: async () => undefined },
    outlet,
    room: PLENTY,
    clock,
    random: createSystemRandom(),
    logger,
    metrics: { ended: () => undefined },
  });
  const { tenantId } = owner;
  const asker: DeviceActor = {
    kind: 'device',
    tenantId,
    deviceId: asId<DeviceId>(uuid(4)),
    credentialId: TEST_CREDENTIAL_ID,
  };
  const ask = async () => (await actions.ask(owner, WHAT)).action;
  const askAsDevice = async () => (await actions.ask(asker, { ...WHAT, networkTenantId: tenantId })).action;
  const device = { tenantId, networkId, deviceId };
  return {
    ...rest,
    owner,
    asker,
    ask,
    askAsDevice,
    store,
    clock,
    logger,
    outlet,
    kept,
    lines,
    world,
    actions,
    device,
  };
}

async function collected(events: AsyncIterable<ActionEvent>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { number } of events) numbers.push(number);
  return numbers;
}

const forever = () => new AbortController().signal;

describe('what a device reports', () => {
  it('keeps one event of its beginning, however often it begins', async () => {
    const { actions, ask, device, kept } = home();
    const { id } = await ask();
    for (let number = 1; number <= EVENTS_MAX + 10; number++) {
      await actions.report(device, id, { number, change: { kind: 'begun' } });
    }
    expect(kept.all()).toMatchObject([{ state: 'begun', lastEvent: 1, lastReport: EVENTS_MAX + 10 }]);
  });
});

describe('who reads the events of an action', () => {
  it('reads nothing behind its end, and has left', async () => {
    const { actions, ask, device, owner } = home();
    const { id } = await ask();
    await actions.report(device, id, { number: 1, change: done });
    for (let count = 0; count <= READERS_PER_PRINCIPAL_MAX; count++) {
      expect(await collected(await actions.follow(owner, id, 1 + count, forever()))).toEqual([]);
    }
  });

  it('reads the end, though it says that it has seen more than there is', async () => {
    const { actions, ask, device, owner } = home();
    const { id } = await ask();
    const reading = collected(await actions.follow(owner, id, 1_000, forever()));
    await turn();
    await actions.report(device, id, { number: 1, change: done });
    expect(await reading).toEqual([1]);
  });

  it('has left with its device, though that gave no credit', async () => {
    const { actions, askAsDevice, asker } = home();
    const credit = { received: 0, until: 0, resume: true, isFirst: false };
    const reads = async () => actions.takeCredit(asker, (await askAsDevice()).id, credit);
    for (let count = 0; count < READERS_PER_PRINCIPAL_MAX; count++) await reads();
    await turn();
    await expect(reads()).rejects.toMatchObject({ code: 'limit_reached' });
    actions.disconnected(asker.deviceId);
    await turn();
    await reads();
  });

  it('has kept events sent so many times a minute, however often it connects', async () => {
    const { actions, askAsDevice, asker, clock } = home();
    const { id } = await askAsDevice();
    const credit = { received: 0, until: 0, resume: true, isFirst: false };
    for (let count = 0; count < RESUMES_MAX; count++) {
      await actions.takeCredit(asker, id, credit);
      actions.disconnected(asker.deviceId);
      await turn();
    }
    await expect(actions.takeCredit(asker, id, credit)).rejects.toMatchObject({ code: 'rate_limited' });
    clock.advance(RESUMES_INTERVAL_MS);
    await actions.takeCredit(asker, id, credit);
  });
});

describe('a device', () => {
  it.each(['an action', 'a command'])('does not get %s that was cancelled on its way', async (what) => {
    const { actions, ask, owner, world, given, commands } = home();
    let look: () => void = () => undefined;
    const capabilities = { commands: what === 'an action' ? [ACTION_COMMAND] : [] };
    world.capabilities = () =>
      new Promise((resolve) => {
        look = () => resolve(capabilities);
      });
    const { id } = await ask();
    await turn();
    await actions.cancel(owner, id);
    look();
    await turn();
    expect([given(), commands]).toEqual([[], []]);
  });

  it('does not get what was cancelled while others were given before it', async () => {
    const { actions, ask, owner, world, given } = home();
    world.isConnected = false;
    const first = await ask();
    const second = await ask();
    world.isConnected = true;
    let look: () => void = () => undefined;
    world.capabilities = () =>
      new Promise((resolve) => {
        look = () => resolve({ commands: [ACTION_COMMAND] });
      });
    await actions.sessionBegan(deviceId, networkId);
    await turn();
    await actions.cancel(owner, second.id);
    world.capabilities = async () => ({ commands: [ACTION_COMMAND] });
    look();
    await turn();
    expect(given()).toEqual([first.id]);
  });

  it.each([2, 3, 4, 5])(
    'is looked after, though it came %i steps after its queue was read',
    async (steps) => {
      const { store, clock, logger, outlet, device } = home();
      let looks = 0;
      const claim: ActionStore['claim'] = async () => {
        if (++looks === 1) void come();
        return [];
      };
      const permissions = { requireAllowed: async () => undefined };
      const queues = new DeviceQueues(
        { store: { ...store, claim }, outlet, permissions, clock, logger },
        async () => undefined,
      );
      const come = async () => {
        for (let count = 0; count < steps; count++) await Promise.resolve();
        queues.run(device);
      };
      queues.run(device);
      await turn();
      expect(looks).toBe(2);
    },
  );

  it('gets its queue, though the database did not answer when it came', async () => {
    const { kept, ask, world, lines } = home();
    world.isConnected = false;
    const { id } = await ask();
    const store = kept.store(() => true);
    let isDown = true;
    const findQueues: ActionStore['findQueues'] = async (devices) => {
      if (isDown) throw new Error('connection lost');
      return store.findQueues(devices);
    };
    const late = home({ ...bound(store), findQueues });
    await late.actions.sessionBegan(deviceId, networkId);
    isDown = false;
    late.clock.advance(GIVE_RETRY_MS);
    await turn();
    expect(late.given()).toEqual([id]);
    expect(lines).toEqual([]);
  });

  it('does not get what was asked by somebody who may not ask any more', async () => {
    const { actions, ask, world, given, kept } = home();
    world.isConnected = false;
    await ask();
    Object.assign(world, { isConnected: true, mayAsk: false });
    await actions.sessionBegan(deviceId, networkId);
    await turn();
    expect(given()).toEqual([]);
    expect(kept.all()).toMatchObject([{ state: 'refused', error: { code: 'forbidden' } }]);
  });
});

describe('while the database does not answer', () => {
  it('one line in a second says so, whoever comes, and nothing waits after the end', async () => {
    const { actions, clock, lines } = home({
      findQueues: () => Promise.reject(new Error('connection lost')),
    });
    const come = (number: number) => actions.sessionBegan(asId<DeviceId>(uuid(number)), networkId);
    for (let number = 10; number < 110; number++) await come(number);
    expect(lines).toHaveLength(1);
    clock.advance(GIVE_RETRY_MS);
    await turn();
    expect(lines).toHaveLength(2);
    expect(lines[1]?.fields).toMatchObject({ failures: 100 });
    actions.stopFollowing();
    await come(1);
    expect(clock.pending).toBe(0);
  });
});

/** A store as an object of its own functions. */
function bound(store: ActionStore): ActionStore {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store)) as (keyof ActionStore)[];
  return Object.fromEntries(
    names.filter((name) => name !== ('constructor' as string)).map((name) => [name, store[name].bind(store)]),
  ) as unknown as ActionStore;
}
