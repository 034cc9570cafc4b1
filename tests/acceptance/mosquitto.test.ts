import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Command,
  CommandResult,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FrameType,
} from '../../proto/index.ts';
import { requireDebianPackage } from '../support/apt.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-mosquitto-'));
let server: TestServer;
let world: World;

beforeAll(async () => {
  await requireDebianPackage('mosquitto_pub', 'mosquitto-clients');
  server = await startTestServer();
  world = await createWorld(server);
}, 300_000);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs the shell commands of the README, with its variables set. */
async function shell(
  script: string,
  { deviceId, token }: DeviceCredentials,
): Promise<{ code: number; output: string }> {
  const { hostname, port } = new URL(server.mqttUrl);
  const child = spawn('bash', ['-eo', 'pipefail', '-c', script], {
    env: { ...process.env, ID: deviceId, PASSWORD: token, HOST: hostname, PORT: port, DIR: directory },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const frameTool = (arguments_: string) =>
  `node build/yggdrasil.js frame ${arguments_.replace('CREDENTIALS', `--credentials "$DIR/$ID.json"`)}`;
const publish = 'mosquitto_pub -h $HOST -p $PORT -u $ID -P $PASSWORD -q 1 -t bifrost/v1/$ID/up';

async function device(name: string): Promise<DeviceCredentials> {
  const credentials = await createDevice(server, world.alice.token, world.alice.network.id, name);
  writeFileSync(join(directory, `${credentials.deviceId}.json`), JSON.stringify(credentials));
  return credentials;
}

describe('mosquitto_pub', () => {
  it('publishes a signed reading that reaches a WebSocket client', async () => {
    const browser = await BifrostSocket.open(server, await device('Browser 1'));
    const { code, output } = await shell(
      `${frameTool('encode CREDENTIALS --type event --name sensor.temperature --number 21.5 --unit celsius')} > "$DIR/reading.bin"
       ${publish} -f "$DIR/reading.bin"`,
      await device('Hand 1'),
    );
    expect(code, output).toBe(0);
    const event = decodePayload(Event, (await browser.next(FrameType.EVENT)).payload);
    expect(event).toMatchObject({ name: 'sensor.temperature', unit: 'celsius', value: { number: 21.5 } });
    browser.close();
  });

  it('is refused with a wrong password', async () => {
    const credentials = await device('Hand 2');
    const { code, output } = await shell(`${publish} -m x`, { ...credentials, token: 'ygd_wrong' });
    expect(code).not.toBe(0);
    expect(output).toMatch(/not authori[sz]ed|bad user/i);
  });
});

describe('mosquitto_sub', () => {
  it('gets a command with the signature that the frame tool verifies, and answers by hand', async () => {
    const browser = await BifrostSocket.open(server, await device('Browser 3'));
    const hand = await device('Hand 3');
    browser.send(
      { type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId: hand.deviceId },
      encodePayload(Command, { name: 'led.set', arguments: { on: { boolean: true } } }),
    );
    await browser.next(FrameType.ACK);
    const { code, output } = await shell(
      `mosquitto_sub -h $HOST -p $PORT -u $ID -P $PASSWORD -q 1 -t bifrost/v1/$ID/down -F %x -C 1 -W 10 \\
         | ${frameTool('decode CREDENTIALS --hex')}`,
      hand,
    );
    expect(code, output).toBe(0);
    const command = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { header?: never } & Record<
      string,
      never
    >;
    expect(JSON.stringify(command)).toContain('led.set');
    const answered = await shell(
      `${frameTool(`encode CREDENTIALS --type command-result --to ${browser.credentials.deviceId} --answers ${crypto.randomUUID()} --argument on=true`)} > "$DIR/answer.bin"
       ${publish} -f "$DIR/answer.bin"`,
      hand,
    );
    expect(answered.code, answered.output).toBe(0);
    const result = decodePayload(CommandResult, (await browser.next(FrameType.COMMAND_RESULT)).payload);
    expect(result.values.on?.boolean).toBe(true);
    browser.close();
  });
});
