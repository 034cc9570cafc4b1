import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostDevice, type HostDeviceOptions } from '../../device/native/host-device.ts';
import { publisherKey } from './releases.ts';
import { ownerKey } from './scripts.ts';
import type { DeviceCredentials } from './world.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** A device in C on Linux that takes the scripts and the releases of the tests' owners, and can be started again on its flash. */
export class NativeHost {
  readonly #options: HostDeviceOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'yggdrasil-host-device-'));
  device: HostDevice;

  constructor(mqttUrl: string, credentials: DeviceCredentials, variant: HostDeviceOptions['variant']) {
    const credentialsFile = join(this.#folder, 'credentials.json');
    writeFileSync(credentialsFile, JSON.stringify(credentials));
    const keys = { scriptKey: text(ownerKey), releaseKey: text(publisherKey) };
    this.#options = { variant, credentialsFile, mqttUrl, flash: join(this.#folder, 'flash'), ...keys };
    this.device = new HostDevice(this.#options);
  }

  /** Resolves when it is connected, with what ends it. */
  async connected(): Promise<{ stop(): Promise<void> }> {
    await this.device.says(/^connected$/);
    return { stop: () => this.stop() };
  }

  /** Starts it again, once it has ended; resolves when it is connected. */
  async again(): Promise<void> {
    await this.device.ended;
    this.device = new HostDevice(this.#options);
    await this.connected();
  }

  async stop(): Promise<void> {
    await this.device.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
