import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { createScriptFiles } from '../../device/virtual/scripts/store.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { createDeviceCore } from '../support/core.ts';
import { describeDevice } from '../support/device-acts.ts';
import { ownerKey } from '../support/scripts.ts';

describeDevice('the virtual device in Node', async (server, credentials) => {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-virtual-device-'));
  let connected: () => void = () => {};
  const whenConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const device = new VirtualDevice(
    { credentials, intervalMs: 600_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: createSystemClock(),
      random: createSystemRandom(),
      memory: { load: () => null, save: () => {} },
      scripts: { store: createScriptFiles(folder), ownerKey },
      report: ({ kind }) => kind === 'connected' && connected(),
    },
  );
  const running = device.run();
  await whenConnected;
  return {
    async stop() {
      await device.stop();
      await running;
      rmSync(folder, { recursive: true });
    },
  };
});
