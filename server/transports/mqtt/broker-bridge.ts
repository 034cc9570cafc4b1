import { relayError } from '../../domains/relay/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { ForeignPublication } from '../../platform/mqtt/foreign-broker/types.ts';
import { BrokerDevice, type BrokerDeviceDependencies } from './broker-device.ts';
import { brokerTopicOf } from './broker-topics.ts';
import { BROKER_DEVICES_MAX, BROKER_RETRY_MS } from './limits.ts';

/** Devices at a broker of somebody else's. */
export interface BrokerBridge {
  /** Resolves when it is dealt with. Rejects where it is to come again. */
  received(publication: ForeignPublication): Promise<void>;
  /** A device has signed in there: it may be sent what waits for it. */
  signedIn(deviceId: DeviceId): void;
  /** Ends every session; what waits stays in the streams. */
  stop(): void;
}

interface KnownDevice {
  /** Its session; null: it has none at the moment. Rejects never. */
  session: Promise<BrokerDevice | null> | null;
  device: BrokerDevice | null;
  cancelRetry: () => void;
}

/**
 * Joins the devices at a broker of somebody else's to the relay: each that was heard has a session, as if it were connected here. Where
 * nobody is subscribed to what it is sent, its session ends, and is tried again when it says something, and once a minute.
 */
export function createBrokerBridge(dependencies: BrokerDeviceDependencies): BrokerBridge {
  return new Bridge(dependencies);
}

class Bridge implements BrokerBridge {
  readonly #dependencies: BrokerDeviceDependencies;
  /** Who was heard last is the last. */
  readonly #devices = new Map<DeviceId, KnownDevice>();
  #isStopping = false;

  constructor(dependencies: BrokerDeviceDependencies) {
    this.#dependencies = dependencies;
  }

  async received(publication: ForeignPublication): Promise<void> {
    const topic = brokerTopicOf(publication.topic);
    if (topic === null || this.#isStopping) return;
    // What was said before we came was heard then, or told nobody: it only shows that there is a device.
    if (publication.isRetained && !topic.isCapabilities) return;
    const device = await this.#open(topic.deviceId);
    if (device === null || publication.isRetained) return;
    try {
      await device.said(topic, publication);
    } catch (error) {
      if (!device.session.ended) throw error;
      // It ended meanwhile: the device has another one now, or is gone.
      await (await this.#open(topic.deviceId))?.said(topic, publication);
    }
  }

  signedIn(deviceId: DeviceId): void {
    void this.#open(deviceId).catch(() => undefined);
  }

  stop(): void {
    this.#isStopping = true;
    for (const { device, cancelRetry } of this.#devices.values()) {
      cancelRetry();
      device?.leave();
    }
  }

  /** The device's session; null: it is nobody's, or refused. Rejects where that can't be found out. */
  async #open(deviceId: DeviceId): Promise<BrokerDevice | null> {
    const known = this.#known(deviceId);
    known.session ??= this.#begin(deviceId, known);
    return await known.session;
  }

  #known(deviceId: DeviceId): KnownDevice {
    const known = this.#devices.get(deviceId) ?? {
      session: null,
      device: null,
      cancelRetry: () => undefined,
    };
    this.#devices.delete(deviceId);
    this.#devices.set(deviceId, known);
    if (this.#devices.size > BROKER_DEVICES_MAX) {
      for (const [silent] of this.#devices) {
        this.#forget(silent);
        break;
      }
    }
    return known;
  }

  async #begin(deviceId: DeviceId, known: KnownDevice): Promise<BrokerDevice | null> {
    known.cancelRetry();
    const device = new BrokerDevice(deviceId, this.#dependencies, () => this.#ended(deviceId, known));
    known.device = device;
    try {
      await device.open();
      if (this.#isStopping) device.leave();
      return device;
    } catch (error) {
      device.leave();
      known.device = null;
      if (!(error instanceof AppError) || error.kind !== 'unauthenticated') {
        known.session = null;
        throw error instanceof AppError ? error : relayError('unavailable', { cause: error });
      }
      // Its id is nobody's: what comes in its name is not looked into again for a while.
      this.#later(known, () => this.#forget(deviceId));
      return null;
    }
  }

  #ended(deviceId: DeviceId, known: KnownDevice): void {
    known.session = null;
    known.device = null;
    if (!this.#isStopping) this.#later(known, () => this.signedIn(deviceId));
  }

  #later(known: KnownDevice, work: () => void): void {
    known.cancelRetry();
    known.cancelRetry = this.#dependencies.clock.after(BROKER_RETRY_MS, work);
  }

  #forget(deviceId: DeviceId): void {
    const known = this.#devices.get(deviceId);
    if (known === undefined) return;
    this.#devices.delete(deviceId);
    known.cancelRetry();
    known.device?.leave();
  }
}
