import { expect, it } from 'vitest';
import { DEVICE_SETTLING_MAX, SETTLING_MAX } from '../../../server/domains/commands/limits.ts';
import type { CommandDependencies } from '../../../server/domains/commands/service.ts';
import { createCommandService } from '../../../server/domains/commands/service.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

it('notes answers of others while one device sends any number that nobody asked for', () => {
  const noted: string[] = [];
  const service = createCommandService({
    log: {
      settle({ deviceId }: { deviceId: DeviceId }) {
        noted.push(deviceId);
        return new Promise<void>(() => {});
      },
    },
    codeOf: () => null,
    clock: new FakeClock(0),
    logger: silentLogger,
  } as unknown as CommandDependencies);
  const answer = (id: string) => {
    const from = { deviceId: asId<DeviceId>(id), networkId: asId<NetworkId>('n') };
    service.answered(from, 'command', new Uint8Array());
  };
  for (let count = 0; count < SETTLING_MAX; count++) answer('loud');
  answer('quiet');
  expect(noted).toHaveLength(DEVICE_SETTLING_MAX + 1);
  expect(noted.at(-1)).toBe('quiet');
});
