import { readFileSync } from 'node:fs';
import { loadDeviceCore } from '../../../assembly/host/index.ts';
import { createBifrostClient, type DeviceConnection, parseCredentials } from '../../client/index.ts';
import { openNodeSocket } from '../../node/websocket.ts';

/** What the example needs: two devices of one network, as the JSON that the server gave out as their credentials. */
export interface ConnectionsExample {
  /** `wss://host/bifrost` */
  readonly url: string;
  readonly first: string;
  readonly second: string;
  /** The device's module: `build/device.wasm`. */
  readonly module: string;
  readonly print: (line: string) => void;
}

/**
 * The first device asks for the second one, which allows it `led.*`; the first switches its light, is refused something else, and is
 * refused everything once the second one has withdrawn it. Where the rule of the network connects them, nobody is asked.
 */
export async function runConnections({
  url,
  first,
  second,
  module,
  print,
}: ConnectionsExample): Promise<void> {
  const core = loadDeviceCore(readFileSync(module));
  const clientOf = (credentials: string) =>
    createBifrostClient(
      { url, credentials: parseCredentials(credentials) },
      { core, openSocket: openNodeSocket },
    );
  const [switcher, lamp] = [clientOf(first), clientOf(second)];
  try {
    lamp.on('ask', async (ask) => {
      print(`${ask.source.name} of ${ask.source.owner} asks: ${ask.reason}`);
      await lamp.connections.allow(ask, { operations: ['led.*'] });
    });
    lamp.on('command', ({ name, frame }) => lamp.answer(frame, { error: null, values: { did: name } }));
    await Promise.all([switcher.connect(), lamp.connect()]);
    const lampId = parseCredentials(second).deviceId;
    const connection = await switcher.connections.ask(lampId, { reason: 'the switch by the door' });
    print(`${connection.status}: ${connection.operations?.join(', ') ?? 'anything'}`);
    const send = async (name: string) => {
      const said = await switcher.command(lampId, name).then(
        ({ values }) => `did ${String(values.did)}`,
        (error: { code: string }) => error.code,
      );
      print(`${name}: ${said}`);
    };
    await send('led.set');
    await send('door.open');
    const ended: DeviceConnection = await lamp.connections.end(connection.id, 'good night');
    print(`${ended.status}: ${ended.reason}`);
    await send('led.set');
  } finally {
    switcher.close();
    lamp.close();
  }
}

const [script, url, first, second] = process.argv.slice(1);
if (script === import.meta.filename && url !== undefined && first !== undefined && second !== undefined) {
  await runConnections({
    url,
    first: readFileSync(first, 'utf8'),
    second: readFileSync(second, 'utf8'),
    module: 'build/device.wasm',
    print: (line) => void process.stdout.write(`${line}\n`),
  });
}
