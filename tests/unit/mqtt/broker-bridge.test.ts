import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { createBrokerBridge } from '../../../server/transports/mqtt/broker-bridge.ts';
import { FakeClock } from '../../support/clock.ts';
import { createMemoryLogger } from '../../support/logger.ts';

const [NETWORK, DEVICE] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const publication = {
  topic: `networks/${NETWORK}/devices/${DEVICE}/readings/t`,
  payload: Buffer.from('1'),
  qos: 1 as const,
  isRetained: false,
};

/** A bridge whose device is let in never: `why` it isn't. */
function bridgeWhere({ why, isWell }: { why: unknown; isWell: () => Promise<boolean> }) {
  const clock = new FakeClock();
  const { logger, lines } = createMemoryLogger();
  const tries = { count: 0 };
  const connect = async () => {
    tries.count++;
    throw why;
  };
  const needed = {
    ...{ clock, logger, isWell, frames: { connect }, broker: { publish: () => true } },
    connections: { arrive: () => ({ leave: () => undefined }) },
  };
  const bridge = createBrokerBridge(needed as unknown as Parameters<typeof createBrokerBridge>[0]);
  return { clock, bridge, tries, lines };
}

type Under = ReturnType<typeof bridgeWhere>;

/** What became of a publication, however long it takes. */
async function outcomeOf({ bridge, clock }: Under): Promise<string> {
  let outcome = '';
  void bridge.received(publication).then(
    () => {
      outcome = 'acknowledged';
    },
    () => {
      outcome = 'comes again';
    },
  );
  for (let turns = 0; outcome === '' && turns < 100; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.step();
  }
  return outcome;
}

describe('a publication that can not be taken', () => {
  it('is dropped after a few tries while the server is well, and the next of its device after one', async () => {
    const under = bridgeWhere({ why: new Error('always'), isWell: async () => true });
    expect(await outcomeOf(under)).toBe('acknowledged');
    expect(under.tries.count).toBe(4);
    expect(under.lines.at(-1)).toMatchObject({ level: 'error', fields: { deviceId: DEVICE } });
    expect(await outcomeOf(under)).toBe('acknowledged');
    expect(under.tries.count).toBe(5);
    expect(under.lines).toHaveLength(1);
  });

  it('comes again where the server has no database, or no room', async () => {
    const down = async () => Promise.reject(new Error('no database'));
    expect(await outcomeOf(bridgeWhere({ why: new Error('no database'), isWell: down }))).toBe('comes again');
    const full = new AppError('unavailable', 'storage_full', 'No room.');
    expect(await outcomeOf(bridgeWhere({ why: full, isWell: async () => true }))).toBe('comes again');
  });

  it('is nothing to wait for where its device may not come in', async () => {
    const refused = new AppError('rate_limited', 'rate_limited', 'Too much.');
    const under = bridgeWhere({ why: refused, isWell: async () => true });
    expect(await outcomeOf(under)).toBe('acknowledged');
    expect(under.tries.count).toBe(1);
  });
});
