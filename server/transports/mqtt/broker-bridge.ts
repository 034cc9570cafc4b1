import { relayError } from '../../domains/relay/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { ForeignPublication } from '../../platform/mqtt/foreign-broker/types.ts';
import { toAppError } from '../error-table.ts';
import { BrokerDevice, type BrokerDeviceDependencies } from './broker-device.ts';
import { type BrokerTopic, brokerTopicOf } from './broker-topics.ts';
import {
  BROKER_DEVICES_MAX,
  BROKER_RETRY_MS,
  BROKER_TRIES_MAX,
  BROKER_TRY_AGAIN_MS,
  TOPIC_CHARACTERS_MAX,
} from './limits.ts';
import { isOurs } from './plain-device.ts';

/** Devices at a broker of somebody else's. */
export interface BrokerBridge {
  /** Resolves when it is dealt with. Rejects where it is to come again. */
  received(publication: ForeignPublication): Promise<void>;
  /** A device has signed in there: it may be sent what waits for it. */
  signedIn(deviceId: DeviceId): void;
  /** Ends every session; what waits stays in the streams. */
  stop(): void;
}

/** What the bridge needs. */
export interface BrokerBridgeDependencies extends BrokerDeviceDependencies {
  /** True: what every publication needs works. */
  readonly isWell: () => Promise<boolean>;
}

interface KnownDevice {
  /** Its session; null: it has none at the moment. Rejects never. */
  session: Promise<BrokerDevice | null> | null;
  device: BrokerDevice | null;
  cancelRetry: () => void;
  /** The last that it said could not be taken, while the server was well: what follows is tried once. */
  isPoison: boolean;
}

/**
 * Joins the devices at a broker of somebody else's to the relay: each that was heard has a session, as if it were connected here. Where
 * nobody is subscribed to what it is sent, its session ends, and is tried again when it says something, and once a minute.
 */
export function createBrokerBridge(dependencies: BrokerBridgeDependencies): BrokerBridge {
  return new Bridge(dependencies);
}

class Bridge implements BrokerBridge {
  readonly #dependencies: BrokerBridgeDependencies;
  /** Who was heard last is the last. */
  readonly #devices = new Map<DeviceId, KnownDevice>();
  #isStopping = false;

  constructor(dependencies: BrokerBridgeDependencies) {
    this.#dependencies = dependencies;
  }

  async received(publication: ForeignPublication): Promise<void> {
    const topic = brokerTopicOf(publication.topic);
    if (topic === null || this.#isStopping) return;
    // What was said before we came was heard then, or told nobody: it only shows that there is a device.
    if (publication.isRetained && !topic.isCapabilities) return;
    for (let tries = 1; ; tries++) {
      try {
        await this.#pass(topic, publication);
        return this.#note(topic.deviceId, false);
      } catch (error) {
        const isLast = tries >= BROKER_TRIES_MAX || this.#devices.get(topic.deviceId)?.isPoison === true;
        if (this.#isStopping || !(await this.#isItsOwn(error))) throw error;
        if (isLast) return await this.#drop(topic, error);
        await this.#pause(BROKER_TRY_AGAIN_MS * 2 ** (tries - 1));
      }
    }
  }

  async #pass(topic: BrokerTopic, publication: ForeignPublication): Promise<void> {
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

  /** True: others' publications can be taken. Where nobody's can, all of them come again. */
  async #isItsOwn(error: unknown): Promise<boolean> {
    if (error instanceof AppError && error.code === 'storage_full') return false;
    return await this.#dependencies.isWell().catch(() => false);
  }

  /** It would hold up everybody who speaks through the broker, as it comes again before all of theirs. */
  async #drop(topic: BrokerTopic, error: unknown): Promise<void> {
    const { deviceId } = topic;
    const shown = topic.topic.slice(0, TOPIC_CHARACTERS_MAX);
    const fields = { operation: 'mqtt.broker', deviceId, topic: shown, error };
    const known = this.#devices.get(deviceId);
    // Once, until something that it says is taken: it may say much.
    if (known?.isPoison !== true) {
      this.#dependencies.logger.error(fields, 'a publication that can not be taken was dropped');
    }
    this.#note(deviceId, true);
    await known?.device?.refuse(topic, toAppError(error));
  }

  #note(deviceId: DeviceId, isPoison: boolean): void {
    const known = this.#devices.get(deviceId);
    if (known !== undefined) known.isPoison = isPoison;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#dependencies.clock.after(milliseconds, resolve);
    });
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
      isPoison: false,
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
      const refused = error instanceof AppError ? error : relayError('unavailable', { cause: error });
      if (isOurs(refused)) {
        known.session = null;
        throw refused;
      }
      // Its id is nobody's, or it may not come in: what comes in its name is not looked into again for a while.
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
