import { connect } from 'mqtt';
import type { DeviceCredentials } from '../client/index.ts';

/** How a fleet fares. Its devices count in it. */
export interface FleetCounts {
  connected: number;
  /** Those that the server acknowledged. */
  readings: number;
  /** Commands that were carried out. */
  commands: number;
  /** Connections that ended by themselves; the device comes back. */
  lost: number;
}

/** A virtual device of plain MQTT: a thermometer and an LED, on the topics of docs/plain-mqtt.md. */
export interface PlainDevice {
  /** Resolves when it is let in and takes commands. Rejects where it isn't. */
  connect(): Promise<void>;
  /** Measures once. Resolves when the server acknowledged the reading; one that is under way when the fleet ends is left. */
  measure(): Promise<void>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 30_000;
const RECONNECT_MS = 5_000;
const KEEP_ALIVE_SECONDS = 60;
const OPTIONS = {
  manualConnect: true,
  clean: false,
  keepalive: KEEP_ALIVE_SECONDS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  reconnectPeriod: RECONNECT_MS,
};
const CAPABILITIES = {
  platform: 'virtual',
  sensors: ['temperature'],
  actuators: ['led'],
  commands: ['led.set'],
};

/** Makes one, which is not connected yet. */
export function createPlainDevice(
  url: string,
  { deviceId, token }: DeviceCredentials,
  counts: FleetCounts,
): PlainDevice {
  const own = `devices/${deviceId}`;
  const client = connect(url, { ...OPTIONS, clientId: deviceId, username: deviceId, password: token });
  let isConnected = false;
  let isOver = false;
  let celsius = 15 + Math.random() * 10;
  const say = (under: string, value: unknown) =>
    client.publishAsync(`${own}/${under}`, JSON.stringify(value), { qos: 1 });
  client.on('connect', () => {
    isConnected = true;
    counts.connected++;
  });
  client.on('close', () => {
    if (!isConnected) return;
    isConnected = false;
    counts.connected--;
    if (!isOver) counts.lost++;
  });
  client.on('message', (_topic, payload) => {
    const command = JSON.parse(payload.toString()) as { id: string; arguments: { on?: unknown } };
    const { on } = command.arguments;
    if (typeof on !== 'boolean') {
      void say('results', { id: command.id, error: { code: 'command_argument_wrong', message: 'on' } });
      return;
    }
    counts.commands++;
    void say('state/led', on);
    void say('results', { id: command.id, values: { on } });
  });
  return {
    async connect() {
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
        client.connect();
      });
      // The library tries again; why it had to, the counts say.
      client.on('error', () => undefined);
      await client.subscribeAsync(`${own}/commands/led.set`, { qos: 1 });
      await say('capabilities', CAPABILITIES);
    },
    async measure() {
      celsius += Math.random() - 0.5;
      const said = say('readings/temperature', { value: Number(celsius.toFixed(2)), unit: 'celsius' });
      if (
        await said.then(
          () => true,
          () => false,
        )
      )
        counts.readings++;
    },
    async close() {
      isOver = true;
      await client.endAsync(true);
    },
  };
}
