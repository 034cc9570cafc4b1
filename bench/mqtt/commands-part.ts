import { readFileSync } from 'node:fs';
import { connectAsync } from 'mqtt';
import { loadDeviceCore } from '../../assembly/host/index.ts';
import { createBifrostClient } from '../../device/client/index.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import type { Pair } from '../processes/product.ts';

/** Commands before those that are timed. */
const WARM_UP = 100;

/** Where commands go, and how many. */
export interface CommandRun {
  readonly commands: number;
}

export interface CommandTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One who asks and a plain device that answers, one command at a time. */
export function createPart() {
  return {
    /** By Bifrost to the server, by plain MQTT to the device, and back. */
    throughServer: async (run: CommandRun & { port: number; mqttPort: number; pair: Pair }) => {
      const { port, mqttPort, pair } = run;
      const own = `devices/${pair.receiver.deviceId}`;
      const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
        username: pair.receiver.deviceId,
        password: pair.receiver.token,
      });
      device.on('message', (_topic, payload) => {
        const { id } = JSON.parse(payload.toString()) as { id: string };
        device.publish(`${own}/results`, JSON.stringify({ id, values: { on: true } }), { qos: 1 });
      });
      await device.subscribeAsync(`${own}/commands/#`, { qos: 1 });
      const core = loadDeviceCore(readFileSync(`${checkoutFolder()}build/device.wasm`));
      const client = createBifrostClient(
        { url: `ws://127.0.0.1:${port}/bifrost`, credentials: pair.sender },
        { core, openSocket: openNodeSocket },
      );
      await client.connect();
      try {
        return await timeEach(run, async () => {
          await client.command(pair.receiver.deviceId, 'led.set', { on: true });
        });
      } finally {
        client.close();
        await device.endAsync(true);
      }
    },

    /** By MQTT to a broker, to the device, and back, with nothing kept: what a path of this length takes. */
    throughBroker: async (run: CommandRun & { port: number }) => {
      const url = `mqtt://127.0.0.1:${run.port}`;
      const [asking, device] = await Promise.all([connectAsync(url), connectAsync(url)]);
      await device.subscribeAsync('bench/command', { qos: 1 });
      await asking.subscribeAsync('bench/result', { qos: 1 });
      device.on('message', (_topic, payload) => void device.publish('bench/result', payload, { qos: 1 }));
      let answered = () => {};
      asking.on('message', () => answered());
      try {
        return await timeEach(run, async () => {
          const answer = new Promise<void>((resolve) => {
            answered = resolve;
          });
          asking.publish('bench/command', '{"id":"1","arguments":{"on":true}}', { qos: 1 });
          await answer;
        });
      } finally {
        await Promise.all([asking.endAsync(true), device.endAsync(true)]);
      }
    },
  };
}

export type CommandsPart = ReturnType<typeof createPart>;

async function timeEach({ commands }: CommandRun, command: () => Promise<void>): Promise<CommandTimes> {
  for (let count = 0; count < WARM_UP; count++) await command();
  const times: number[] = [];
  for (let count = 0; count < commands; count++) {
    const begunMs = performance.now();
    await command();
    times.push(performance.now() - begunMs);
  }
  times.sort((a, b) => a - b);
  const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.POSITIVE_INFINITY;
  return { p50Ms: share(0.5), p99Ms: share(0.99) };
}
