import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Ack,
  Capabilities,
  Command,
  CommandResult,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FrameType,
  Hello,
  Welcome,
} from '../../proto/index.ts';
import { BifrostSocket, codeOf, isSignedFor } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type Household, type World } from '../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const reading = (number: number) =>
  encodePayload(Event, { name: 'sensor.temperature', value: { number }, unit: 'celsius' });
const readingOf = (payload: Uint8Array) => decodePayload(Event, payload).value?.number;

/** A household of its own with two devices, so that tests don't hear each other. */
async function twoDevices(): Promise<{ household: Household; first: BifrostSocket; second: BifrostSocket }> {
  const household = await createHousehold(server, world.adminToken);
  const other = await createDevice(server, household.token, household.network.id, 'Second device');
  return {
    household,
    first: await BifrostSocket.open(server, household.device),
    second: await BifrostSocket.open(server, other),
  };
}

describe('a frame to the network', () => {
  it('reaches the other devices as it was sent, signed for each', async () => {
    const { first, second } = await twoDevices();
    first.send({}, reading(21.5));
    const frame = await second.next(FrameType.EVENT);
    expect(frame.header.sourceId).toBe(first.credentials.deviceId);
    expect(readingOf(frame.payload)).toBe(21.5);
    expect(frame.streamOffset).toBe(0);
    expect(isSignedFor(second.credentials, frame)).toBe(true);
    expect(isSignedFor(first.credentials, frame)).toBe(false);
    expect(first.frames).toEqual([]);
  });

  it('that is stored is acknowledged and delivered with the same offset, in one order', async () => {
    const { first, second } = await twoDevices();
    for (let number = 1; number <= 50; number++) first.send({ delivery: Delivery.STORED }, reading(number));
    for (let number = 1; number <= 50; number++) {
      const ack = await first.next(FrameType.ACK);
      const event = await second.next(FrameType.EVENT);
      expect(decodePayload(Ack, ack.payload).offset).toBe(number);
      expect(event.streamOffset).toBe(number);
      expect(event.header.id).toBe(ack.header.correlationId);
      expect(readingOf(event.payload)).toBe(number);
    }
  });
});

describe('a command', () => {
  it('reaches its device, and the result comes back to who asked', async () => {
    const { household, first, second } = await twoDevices();
    const third = await BifrostSocket.open(
      server,
      await createDevice(server, household.token, household.network.id, 'Third device'),
    );
    const id = crypto.randomUUID();
    first.send(
      { type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId: second.credentials.deviceId, id },
      encodePayload(Command, { name: 'led.set', arguments: { on: { boolean: true } } }),
    );
    const command = await second.next(FrameType.COMMAND);
    expect(decodePayload(Command, command.payload).arguments.on?.boolean).toBe(true);
    second.send(
      {
        type: FrameType.COMMAND_RESULT,
        delivery: Delivery.STORED,
        destinationId: command.header.sourceId,
        correlationId: command.header.id,
      },
      encodePayload(CommandResult, { values: { on: { boolean: true } } }),
    );
    const result = await first.next(FrameType.COMMAND_RESULT);
    expect(result.header.correlationId).toBe(id);
    expect(third.frames).toEqual([]);
  });
});

describe('a device that was away', () => {
  it('gets what was stored for it meanwhile, once it is back, and not again once acknowledged', async () => {
    const { first, second } = await twoDevices();
    second.close();
    await second.closed();
    for (let number = 1; number <= 3; number++) {
      first.send({ delivery: Delivery.STORED }, reading(number));
      await first.next(FrameType.ACK);
    }
    const back = await BifrostSocket.open(server, second.credentials);
    const offsets = [];
    for (let number = 1; number <= 3; number++) {
      const event = await back.next(FrameType.EVENT);
      expect(readingOf(event.payload)).toBe(number);
      offsets.push(event.streamOffset);
    }
    back.send({ type: FrameType.ACK }, encodePayload(Ack, { offset: offsets[1] ?? 0 }));
    back.send({ type: FrameType.PING });
    await back.next(FrameType.PONG);
    back.close();
    await back.closed();
    const again = await BifrostSocket.open(server, second.credentials);
    const event = await again.next(FrameType.EVENT);
    expect(event.streamOffset).toBe(offsets[2]);
  });

  it('goes on where it says, and is told whether something is gone', async () => {
    const { first, second } = await twoDevices();
    for (let number = 1; number <= 3; number++) {
      first.send({ delivery: Delivery.STORED }, reading(number));
      await first.next(FrameType.ACK);
    }
    second.close();
    const hello = async (epoch: string, offset: number) => {
      const socket = await BifrostSocket.connect(server, second.credentials);
      socket.send({ type: FrameType.HELLO }, encodePayload(Hello, { resume: { epoch, offset } }));
      const welcome = decodePayload(Welcome, (await socket.next(FrameType.WELCOME)).payload);
      return { socket, welcome };
    };
    const unknown = await hello('00000000-0000-4000-8000-000000000001', 1);
    expect(unknown.welcome.recovered).toBe(false);
    const epoch = unknown.welcome.head?.epoch ?? '';
    const known = await hello(epoch, 2);
    expect(known.welcome.recovered).toBe(true);
    expect(known.welcome.head?.offset).toBe(3);
    expect((await known.socket.next(FrameType.EVENT)).streamOffset).toBe(3);
    expect(await unknown.socket.closed()).toBe(4409);
  });
});

describe('a device that connects twice', () => {
  it('keeps the newer session; the older is told and closed', async () => {
    const { household, first } = await twoDevices();
    const newer = await BifrostSocket.open(server, household.device);
    expect(await first.closed()).toBe(4409);
    expect(first.closeReason).toBe('session_replaced');
    newer.send({ type: FrameType.PING });
    await newer.next(FrameType.PONG);
  });
});

describe('a frame whose acknowledgement was lost', () => {
  it('is stored and delivered once when it is sent again under its id', async () => {
    const { first, second } = await twoDevices();
    const id = crypto.randomUUID();
    first.send({ delivery: Delivery.STORED, id }, reading(1));
    const once = await first.next(FrameType.ACK);
    first.send({ delivery: Delivery.STORED, id }, reading(1));
    const twice = await first.next(FrameType.ACK);
    expect(decodePayload(Ack, twice.payload).offset).toBe(decodePayload(Ack, once.payload).offset);
    first.send({ delivery: Delivery.STORED }, reading(2));
    expect(readingOf((await second.next(FrameType.EVENT)).payload)).toBe(1);
    expect(readingOf((await second.next(FrameType.EVENT)).payload)).toBe(2);
  });
});

describe('a device that was removed', () => {
  it('is cut off, and its token and its frames are worth nothing', async () => {
    const { household, first, second } = await twoDevices();
    await server.request('DELETE', `/api/v1/devices/${second.credentials.deviceId}`, {
      token: household.token,
      expect: 200,
    });
    expect(await second.closed()).toBe(4401);
    const again = await BifrostSocket.connect(server, second.credentials);
    expect(await again.closed()).toBe(4401);
    first.send(
      { type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId: second.credentials.deviceId },
      encodePayload(Command, { name: 'led.set' }),
    );
    expect(codeOf(await first.next(FrameType.ERROR))).toBe('frame_destination_unknown');
  });
});

describe('a device', () => {
  it('is shown online while it is connected, with what it can do', async () => {
    const { household, first } = await twoDevices();
    const path = `/api/v1/devices/${household.device.deviceId}`;
    expect(await server.get(path, household.token)).toMatchObject({ online: true, capabilities: null });
    const capabilities = {
      platform: 'esp32',
      firmware: '1',
      sensors: ['temperature'],
      actuators: [],
      commands: [],
    };
    first.send(
      { type: FrameType.CAPABILITIES, delivery: Delivery.STORED },
      encodePayload(Capabilities, capabilities),
    );
    await first.next(FrameType.ACK);
    expect(await server.get(path, household.token)).toMatchObject({ online: true, capabilities });
    first.close();
    await expect.poll(() => server.get(path, household.token)).toMatchObject({ online: false });
  });
});
