import type { DeviceService } from '../../domains/devices/index.ts';
import {
  announcementOf,
  type DiscoveryService,
  ForeignDevice,
  isAnnouncement,
} from '../../domains/discovery/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { capabilitiesFrame, eventFrame, type PlainFrame } from './plain-frames.ts';

/** What is needed of a device whose firmware has topics of its own. */
export interface ForeignDependencies {
  readonly devices: Pick<DeviceService, 'withFoundCapabilities'>;
  readonly discovery: Pick<DiscoveryService, 'announcesItself'>;
  /** The device has commands now: it is to get them. */
  readonly follow: () => void;
}

/** What is to be published for a command. */
type ForeignPublication = { readonly topic: string; readonly payload: string } | 'wrong' | null;

/** The topics of a device that are not in our map: what its firmware says there, and how it is commanded. */
export class ForeignTopics {
  readonly #actor: DeviceActor;
  readonly #network: { readonly networkId: NetworkId; readonly tenantId: TenantId };
  readonly #dependencies: ForeignDependencies;
  readonly #device = new ForeignDevice();
  /** It was found to do something that wasn't told yet. */
  #hasNews = false;
  #announcesItself = false;
  #isNoted = false;
  /** It says itself what it can do. */
  #isSpokenFor = false;

  constructor(
    actor: DeviceActor,
    network: { readonly networkId: NetworkId; readonly tenantId: TenantId },
    dependencies: ForeignDependencies,
  ) {
    this.#actor = actor;
    this.#network = network;
    this.#dependencies = dependencies;
  }

  /** True: it has commands. */
  get hears(): boolean {
    return this.#device.isSettable;
  }

  /** The device says in our form what it can do: nothing that it is found to do takes its place. */
  speaksForItself(): void {
    this.#isSpokenFor = true;
  }

  /** The frames of a publication. Refuses a discovery message as `announcementOf` does. */
  framesOf(topic: string, payload: Uint8Array, isKept: boolean): PlainFrame[] {
    const couldHear = this.hears;
    let frames: PlainFrame[] = [];
    if (isAnnouncement(topic)) {
      const announcement = announcementOf(this.#actor.deviceId, topic, payload);
      if (this.#device.announced(topic, announcement)) this.#hasNews = true;
      if (announcement !== null) this.#announcesItself = true;
    } else {
      const { values, isNews } = this.#device.read(topic, payload);
      if (isNews) this.#hasNews = true;
      frames = values.map(({ as, ...value }) => eventFrame({ ...value, isState: as === 'state' }, isKept));
    }
    if (!couldHear && this.hears) this.#dependencies.follow();
    return frames;
  }

  /** What it was found to do since the last call, as it is to be announced; null: nothing. */
  async takeNews(isKept: boolean): Promise<PlainFrame | null> {
    const { devices, discovery } = this.#dependencies;
    if (this.#announcesItself && !this.#isNoted) {
      this.#isNoted = true;
      await discovery.announcesItself(this.#network, this.#actor.deviceId);
    }
    if (!this.#hasNews) return null;
    this.#hasNews = false;
    if (this.#isSpokenFor) return null;
    return capabilitiesFrame(
      await devices.withFoundCapabilities(this.#actor, this.#device.capabilities),
      isKept,
    );
  }

  /** A command as its firmware takes it; null: it has none of this name, `wrong`: with other arguments. */
  commandOf(name: string, given: JsonObject): ForeignPublication {
    return this.#device.commandOf(name, given);
  }
}
