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
  const device = new NativeMqttDevice(mqttUrl, credentials, { variant, folder });
  await device.connected;
  return {
    async stop() {
      await device.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class NativeMqttDevice {
  readonly #mqttUrl: string;
  readonly #credentials: DeviceCredentials;
  readonly #channel: FrameChannel;
  readonly #device: NativeUpdateDevice;
  /** Resolves when it has connected for the first time. */
  readonly connected: Promise<void>;
  #link: MqttLink | null = null;
  #asked: string | null = null;

  constructor(
    mqttUrl: string,
    credentials: DeviceCredentials,
    { variant, folder }: { readonly variant: Variant; readonly folder: string },
  ) {
    this.#mqttUrl = mqttUrl;
    this.#credentials = credentials;
    const nonces = new NonceSource(createSystemClock(), 0);
    const dependencies = { core: createDeviceCore(), nonces, random: createSystemRandom() };
    this.#channel = FrameChannel.create(credentials, dependencies);
    const keyFile = join(folder, 'owner.key');
    writeFileSync(keyFile, publisherKey);
    let resolve: () => void = () => {};
    this.connected = new Promise((done) => {
      resolve = done;
    });
    this.#device = new NativeUpdateDevice(
      { variant, flash: join(folder, 'flash'), slotBytes: SLOT_BYTES, keyFile, target: 'virtual' },
      {
        report: (payload, isOutcome) => this.#report(payload.slice(), isOutcome),
        ask: (payload) => {
          const { TRANSIENT } = Delivery;
          const frame = { type: FrameType.UPDATE_REQUEST, delivery: TRANSIENT, payload: payload.slice() };
          this.#asked = this.#publish(frame).id;
        },
        restart: () => this.#restart(),
        runs: (firmware) => void this.#connect(firmware).then(resolve),
      },
    );
    this.#device.start();
  }

  async stop(): Promise<void> {
    await this.#link?.close();
    this.#device.close();
    await this.#device.ended;
  }

  async #connect(firmware: string): Promise<void> {
    this.#link = await createMqttConnector(
      this.#mqttUrl,
      this.#credentials,
    )({ received: (bytes) => this.#received(bytes), lost: () => {} });
    const said = { sensors: [], actuators: [], commands: [], platform: 'linux' };
    const payload = encodeCapabilities({ ...said, firmware: firmware === '' ? 'as it came' : firmware });
    const { done } = this.#publish({ type: FrameType.CAPABILITIES, delivery: Delivery.STORED, payload });
    this.#device.connected(true);
    void this.#settle(done, false);
  }

  #restart(): void {
    const closed = this.#link?.close();
    this.#link = null;
    void closed?.then(() => this.#device.start());
  }

  #report(payload: Uint8Array, isOutcome: boolean): void {
    const frame = { type: FrameType.UPDATE_REPORT, delivery: Delivery.STORED, payload };
    void this.#settle(this.#publish(frame).done, isOutcome);
  }

  #publish(frame: OutgoingFrame): { readonly id: string; readonly done: Promise<boolean> } {
    const id = this.#channel.newId();
    const to = this.#link;
    const done = to?.publish(this.#channel.seal(frame, id)).then(
      () => to === this.#link,
      () => false,
    );
    return { id, done: done ?? Promise.resolve(false) };
  }

  async #settle(done: Promise<boolean>, isOutcome: boolean): Promise<void> {
    if (await done) this.#device.settled(isOutcome);
  }

  #received(bytes: Uint8Array): void {
    const opened = this.#channel.open(bytes);
    if (!opened.ok || opened.frame.header.sourceId !== SERVER_ID) return;
    const { header, payload } = opened.frame;
    if (header.type === FrameType.UPDATE_OFFER) this.#device.offered(payload);
    if (header.type === FrameType.UPDATE_PART) this.#device.received(payload);
    if (header.type === FrameType.ERROR && header.correlationId === this.#asked) {
      this.#device.refused(errorCodeNumber(decodeError(payload).code));
    }
  }
}
