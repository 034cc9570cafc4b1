import { describe, expect, it } from 'vitest';
import { createDropService, type DropNotice, type Dropped } from '../../../server/domains/drops/index.ts';
import {
  FIRST_NOTICE_MS,
  FRAME_IDS_MAX,
  NETWORK_NOTICES_MAX,
  NOTICE_INTERVAL_MS,
  TOPICS_MAX,
} from '../../../server/domains/drops/limits.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

const NETWORK = asId<NetworkId>('00000000-0000-4000-8000-000000000001');
const TENANT = asId<TenantId>('00000000-0000-4000-8000-000000000002');
const device = (number: number) =>
  asId<DeviceId>(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
const dropped = (change: Partial<Dropped> = {}): Dropped => ({
  networkId: NETWORK,
  tenantId: TENANT,
  deviceId: device(1),
  end: 'receiver',
  cause: 'queue_full',
  ...change,
});

function setUp() {
  const clock = new FakeClock();
  const published: DropNotice[] = [];
  const sent: DropNotice[] = [];
  const saved: DropNotice[] = [];
  const service = createDropService({
    store: {
      async save(notices) {
        saved.push(...notices);
        return notices.filter(({ deviceId }) => deviceId !== device(9));
      },
      list: async () => saved,
    },
    devices: { getDevice: async () => ({}) as never },
    outlets: {
      publish: async (notice) => void published.push(notice),
      send: async (notice) => void sent.push(notice),
    },
    clock,
    logger: silentLogger,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, service, published, sent, saved, pass };
}

describe('what was dropped', () => {
  it('is told to each end by its number, a few topics, and since when; once an interval', async () => {
    const { clock, service, published, pass } = setUp();
    const sinceMs = clock.nowMs();
    for (let count = 0; count < 1_000; count++) {
      service.note(dropped({ topic: `t/${count}` }));
      service.note(dropped({ deviceId: device(2), end: 'sender', topic: 't' }));
    }
    await pass(FIRST_NOTICE_MS);
    service.note(dropped({ topic: 'later' }));
    await pass(NOTICE_INTERVAL_MS - 1);
    expect(published).toMatchObject([
      { deviceId: device(1), end: 'receiver', count: 1_000, sinceMs, atMs: sinceMs + FIRST_NOTICE_MS },
      { deviceId: device(2), end: 'sender', count: 1_000, topics: ['t'] },
    ]);
    expect(published[0]?.topics).toHaveLength(TOPICS_MAX);
    await pass(1);
    expect(published.slice(2)).toMatchObject([{ count: 1, topics: ['later'] }]);
  });

  it('of frames is sent with the ids of the first of them', async () => {
    const { service, published, sent, pass } = setUp();
    for (let count = 0; count < 100; count++) {
      service.note(dropped({ cause: 'frame_expired', end: 'sender', frameId: String(count) }));
    }
    await pass(FIRST_NOTICE_MS);
    expect(published).toEqual([]);
    expect(sent).toMatchObject([
      { count: 100, frameIds: Array.from({ length: FRAME_IDS_MAX }, (_, id) => String(id)) },
    ]);
  });

  it('is told to no device that has left, and at the end of the server', async () => {
    const { service, published } = setUp();
    service.note(dropped({ deviceId: device(9) }));
    service.note(dropped({ deviceId: device(3) }));
    await service.stop();
    expect(published.map(({ deviceId }) => deviceId)).toEqual([device(3)]);
  });

  it('of one network is counted for so many devices at a time', async () => {
    const { service, saved } = setUp();
    for (let number = 0; number < NETWORK_NOTICES_MAX + 10; number++) {
      service.note(dropped({ deviceId: device(100 + number) }));
    }
    service.note(dropped({ networkId: asId<NetworkId>(TENANT), deviceId: device(5_000) }));
    await service.stop();
    expect(saved).toHaveLength(NETWORK_NOTICES_MAX + 1);
  });
});
