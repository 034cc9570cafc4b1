import { createBifrostClient, type DeviceEvent } from '../client/index.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { openNodeSocket } from '../node/websocket.ts';
import { type Accounts, writeCredentials } from './accounts.ts';
import { READING_INTERVAL_MS, READINGS, STEP_TIMEOUT_MS } from './limits.ts';
import type { Programs } from './programs.ts';
import type { Progress } from './progress.ts';
import type { RunningServer } from './server-program.ts';

/** What journey A measured. */
export interface RelayFigures {
  /** Frames from the device that reached the client, each verified. */
  readonly deviceMessages: number;
  readonly commandRoundTripMs: number;
}

/** Journey A: a virtual ESP32 on MQTT and a client on WebSocket, in the same network. The device goes on running. */
export async function relayJourney(
  server: RunningServer,
  accounts: Accounts,
  programs: Programs,
  progress: Progress,
): Promise<RelayFigures> {
  const { sensor, browser } = accounts;
  const client = createBifrostClient(
    { url: server.bifrostUrl, credentials: browser },
    { core: loadBuiltDeviceCore(), openSocket: openNodeSocket },
  );
  const startedAtMs = Date.now();
  let deviceMessages = 0;
  client.on('frame', ({ sourceId, nonce }) => {
    // Frames that waited here since an earlier run belong to that run.
    if (sourceId === sensor.deviceId && nonce >= startedAtMs * 1000) deviceMessages++;
  });
  const fresh = (listener: (event: DeviceEvent) => void) =>
    client.on('event', (event) => {
      if (event.frame.sourceId === sensor.deviceId && event.measuredAtMs >= startedAtMs) listener(event);
    });
  try {
    progress.step('A client connects to Bifrost over WebSocket.');
    const start = await client.connect({ signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
    progress.detail(
      `session ${start.sessionId}, ${start.recovered ? 'nothing missed' : 'some frames are gone'}`,
    );

    progress.step('A virtual ESP32, a process of its own that hosts device.wasm, connects over MQTT.');
    const readings = new Promise<void>((resolve) => {
      let count = 0;
      const stopListening = fresh(({ name, value, unit }) => {
        if (name !== 'sensor.temperature') return;
        progress.detail(
          `${name} ${value} ${unit}   (simulated; signed by the device, verified by server and client)`,
        );
        if (++count < READINGS) return;
        stopListening();
        resolve();
      });
    });
    const credentialsFile = writeCredentials(server.dataDirectory, 'virtual-esp32', sensor);
    const args = ['virtual-device', '--credentials', credentialsFile, '--mqtt', server.mqttUrl];
    programs.start('the virtual device', [...args, '--interval-ms', String(READING_INTERVAL_MS)]);
    await inTime(readings, 'the readings');

    progress.step('The client asks the device to switch its LED on.');
    const ledChanged = new Promise<void>((resolve) => {
      const stopListening = fresh(({ name, value }) => {
        if (name !== 'led.state') return;
        progress.detail(`led.state ${value}`);
        stopListening();
        resolve();
      });
    });
    const sentAt = performance.now();
    const result = await client.command(sensor.deviceId, 'led.set', { on: true });
    const commandRoundTripMs = Math.round((performance.now() - sentAt) * 10) / 10;
    if (result.error !== null) throw new Error(`the device refused led.set: ${result.error.message}`);
    progress.detail(`done: on = ${result.values.on}, after ${commandRoundTripMs} ms there and back`);
    await inTime(ledChanged, 'the new state of the LED');
    return { deviceMessages, commandRoundTripMs };
  } finally {
    client.close();
  }
}

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not come in ${STEP_TIMEOUT_MS / 1000} s`)),
      STEP_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
