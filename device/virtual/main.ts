import { Command } from 'commander';
import { systemClock, systemRandom } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { runProgram, stopSignal, urlOf, wholeNumber } from '../node/process.ts';
import { createMemoryFile } from './memory-file.ts';
import { createMqttConnector } from './mqtt-connector.ts';
import { type DeviceReport, VirtualDevice } from './virtual-device.ts';

const program = new Command('virtual-device')
  .description('A simulated ESP32: hosts device.wasm, speaks MQTT, has a simulated thermometer and an LED.')
  .requiredOption('--credentials <file>', 'the JSON that POST /api/v1/devices answered under "credentials"')
  .requiredOption('--mqtt <url>', 'the broker, e.g. mqtt://127.0.0.1:1883', urlOf('mqtt', 'mqtts'))
  .option('--interval-ms <n>', 'time between two readings', wholeNumber(1), 1000)
  .option('--count <n>', 'stop after this many readings', wholeNumber(1));

await runProgram('virtual-device', async () => {
  const options = program
    .parse()
    .opts<{ credentials: string; mqtt: string; intervalMs: number; count?: number }>();
  const stop = stopSignal();
  const credentials = readCredentialsFile(options.credentials);
  const device = new VirtualDevice(
    { credentials, intervalMs: options.intervalMs, readingsMax: options.count ?? Number.POSITIVE_INFINITY },
    {
      core: loadBuiltDeviceCore(),
      connect: createMqttConnector(options.mqtt, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: createMemoryFile(`${options.credentials}.state`),
      report: (report) => console.log(describe(report)),
    },
  );
  stop.addEventListener('abort', () => void device.stop());
  await device.run();
});

function describe(report: DeviceReport): string {
  switch (report.kind) {
    case 'connected':
      return 'connected (this is a simulated device: there is no board)';
    case 'disconnected':
      return `not connected (${report.reason}), next try in ${report.retryInMs} ms`;
    case 'measured':
      return `${report.event.name} ${report.event.value} ${report.event.unit}`.trimEnd();
    case 'command':
      return `command ${report.name} ${report.outcome}`;
    case 'dropped':
      return `dropped a frame: ${report.reason}`;
    case 'refused':
      return `the server refuses a frame: ${report.code}, ${report.message}`;
  }
}
