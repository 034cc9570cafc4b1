import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeError,
  encodeCapabilities,
  FrameChannel,
  NonceSource,
  type OutgoingFrame,
  SERVER_ID,
} from '../../device/client/index.ts';
import type { Variant } from '../../device/native/layout.ts';
import { NativeUpdateDevice } from '../../device/native/update-device.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import type { MqttLink } from '../../device/virtual/ports.ts';
import { Delivery, errorCodeNumber, FrameType } from '../../proto/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { createDeviceCore } from './core.ts';
import { publisherKey } from './releases.ts';
import type { DeviceCredentials } from './world.ts';

const SLOT_BYTES = 1_048_576;

/** The C runtime's updates on MQTT: its payloads in signed frames, nothing decided here. Resolves when it is connected. */
export async function connectNativeDevice(
  mqttUrl: string,
  credentials: DeviceCredentials,
  variant: Variant,
): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-native-'));
  const keyFile = join(folder, 'owner.key');
  writeFileSync(keyFile, publisherKey);
  const random = createSystemRandom();
  const nonces = new NonceSource(createSystemClock(), 0);
  const channel = FrameChannel.create(credentials, { core: createDeviceCore(), nonces, random });
  let link: MqttLink | null = null;
  let asked: string | null = null;
  let firmware = '';

  const publish = (frame: OutgoingFrame): { readonly id: string; readonly done: Promise<boolean> } => {
    const id = channel.newId();
    const to = link;
    const done = to?.publish(channel.seal(frame, id)).then(
      () => to === link,
      () => false,
    );
    return { id, done: done ?? Promise.resolve(false) };
  };
  const settle = async (done: Promise<boolean>, isOutcome: boolean) => {
    if (await done) device.settled(isOutcome);
  };
  const received = (bytes: Uint8Array): void => {
    const opened = channel.open(bytes);
    if (!opened.ok || opened.frame.header.sourceId !== SERVER_ID) return;
    const { header, payload } = opened.frame;
    if (header.type === FrameType.UPDATE_OFFER) device.offered(payload);
    if (header.type === FrameType.UPDATE_PART) device.received(payload);
    if (header.type === FrameType.ERROR && header.correlationId === asked) {
      device.refused(errorCodeNumber(decodeError(payload).code));
    }
  };
  const connect = async () => {
    link = await createMqttConnector(mqttUrl, credentials)({ received, lost: () => {} });
    const said = { sensors: [], actuators: [], commands: [], platform: 'linux', firmware };
    const { done } = publish({
      type: FrameType.CAPABILITIES,
      delivery: Delivery.STORED,
      payload: encodeCapabilities(said),
    });
    device.connected(true);
    void settle(done, false);
  };
  let connected: () => void = () => {};
  const whenConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const device: NativeUpdateDevice = new NativeUpdateDevice(
    { variant, flash: join(folder, 'flash'), slotBytes: SLOT_BYTES, keyFile, target: 'virtual' },
    {
      report: (payload, isOutcome) => {
        const frame = { type: FrameType.UPDATE_REPORT, delivery: Delivery.STORED, payload: payload.slice() };
        void settle(publish(frame).done, isOutcome);
      },
      ask: (payload) => {
        const frame = {
          type: FrameType.UPDATE_REQUEST,
          delivery: Delivery.TRANSIENT,
          payload: payload.slice(),
        };
        asked = publish(frame).id;
      },
      restart: () => {
        const closed = link?.close();
        link = null;
        void closed?.then(() => device.start());
      },
      runs: (name) => {
        firmware = name === '' ? 'as it came' : name;
        void connect().then(connected);
      },
    },
  );
  device.start();
  await whenConnected;
  return {
    async stop() {
      await link?.close();
      device.close();
      await device.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
