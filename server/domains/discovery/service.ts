import type { Actor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { DEVICES_AT_ONCE } from './limits.ts';
import type { DeviceDirectory, DiscoveryStore, NetworkLookup, NetworkTopics } from './ports.ts';
import {
  availabilityTopic,
  configFilter,
  configsOf,
  EVERY_CONFIG,
  EVERY_VALUE,
  filtersOf,
  isLevel,
  isOurConfig,
  kindOf,
} from './rules.ts';
import type { DescribedDevice, DiscoveryNetwork, KnownReading, SaidValue } from './types.ts';
import { ValuePublisher } from './value-publisher.ts';

/** Tells a Home Assistant in a network of its devices. */
export interface DiscoveryService {
  /** True: the network announces its devices. Refuses with `network_not_found`. */
  isOn(actor: Actor, networkId: NetworkId): Promise<boolean>;
  /** Switches it. Refuses with `forbidden` and `network_not_found`. */
  setOn(actor: Actor, networkId: NetworkId, isOn: boolean): Promise<void>;
  /** Devices said this, and it is kept. */
  said(values: readonly SaidValue[]): void;
  /** The device came, went, joined a network, or is known by another name or for other things. */
  changed(deviceId: DeviceId): void;
  /** The device announces itself in the network: it isn't announced in its place. */
  announcesItself(network: DiscoveryNetwork, deviceId: DeviceId): Promise<void>;
  /** The device has left the network: takes away what is said of it there. */
  left(deviceId: DeviceId, network: DiscoveryNetwork): Promise<void>;
  /** Finds out which networks announce, and makes what they say as it is now. */
  start(): Promise<void>;
  /** The server stops: who goes now is not told of, but when it starts again. */
  stopListening(): void;
  /** Resolves when everything is said. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface DiscoveryDependencies {
  readonly store: DiscoveryStore;
  readonly networks: NetworkLookup;
  readonly directory: DeviceDirectory;
  readonly topics: NetworkTopics;
  readonly logger: Logger;
}

/** Builds the service. */
export function createDiscoveryService(dependencies: DiscoveryDependencies): DiscoveryService {
  const { store, directory, topics, logger } = dependencies;
  const on = new Map<NetworkId, OpenNetwork>();
  const values = new ValuePublisher(topics, logger);
  const announcer = new Announcer(on, dependencies);
  let isStopping = false;
  const idle = async (): Promise<void> => {
    await announcer.idle();
    await values.idle();
  };
  const open = async (network: DiscoveryNetwork): Promise<void> => {
    on.set(network.networkId, { ...network, kinds: new Map() });
    for (const deviceId of await directory.listOf(network.networkId)) announcer.add(deviceId);
  };
  const close = async (network: DiscoveryNetwork): Promise<void> => {
    on.delete(network.networkId);
    await idle();
    await clearNetwork(network, topics);
  };

  return {
    ...createSetting(dependencies, async (network, isOn) => {
      if (!isOn) await close(network);
      else if (!on.has(network.networkId)) await open(network);
    }),

    said(said) {
      if (on.size === 0) return;
      for (const value of said) {
        const network = on.get(value.networkId);
        if (network === undefined || !isLevel(value.name)) continue;
        values.publish(value);
        if (isNews(network, value)) announcer.add(value.deviceId);
      }
    },

    changed(deviceId) {
      if (on.size > 0 && !isStopping) announcer.add(deviceId);
    },

    async announcesItself(network, deviceId) {
      await store.saveOwn(network, deviceId);
      if (on.has(network.networkId)) announcer.add(deviceId);
    },

    async left(deviceId, network) {
      if (!on.has(network.networkId)) return;
      await idle();
      await topics.clear(network, filtersOf(deviceId));
    },

    async start() {
      for (const network of await store.listOn()) await open(network);
    },

    stopListening() {
      isStopping = true;
    },

    stop: idle,
  };
}

/** Whether networks announce. */
function createSetting(
  { store, networks }: Pick<DiscoveryDependencies, 'store' | 'networks'>,
  apply: (network: DiscoveryNetwork, isOn: boolean) => Promise<void>,
): Pick<DiscoveryService, 'isOn' | 'setOn'> {
  const turns = new Map<NetworkId, Promise<void>>();
  /** Of one network one change after the other, so that the last one stays. */
  const inTurn = (networkId: NetworkId, work: () => Promise<void>): Promise<void> => {
    const turn = (turns.get(networkId) ?? Promise.resolve()).then(work);
    const over = turn
      .catch(() => undefined)
      .then(() => {
        if (turns.get(networkId) === over) turns.delete(networkId);
      });
    turns.set(networkId, over);
    return turn;
  };
  return {
    async isOn(actor, networkId) {
      const account = requirePermission(actor, 'networks.read');
      await networks.getNetwork(account, networkId);
      return store.isOn(account, networkId);
    },

    async setOn(actor, networkId, isOn) {
      const account = requirePermission(actor, 'networks.manage');
      const { tenantId } = await networks.getNetwork(account, networkId);
      await inTurn(networkId, async () => {
        await store.save(account, networkId, isOn);
        await apply({ networkId, tenantId }, isOn);
      });
    },
  };
}

/** A network that announces its devices, and what kinds their readings were found to be, by device and name. */
interface OpenNetwork extends DiscoveryNetwork {
  readonly kinds: Map<string, Pick<KnownReading, 'kind' | 'unit'>>;
}

/** True for a reading that is new, or of another kind or unit than before. */
function isNews({ kinds }: OpenNetwork, { deviceId, name, unit, value }: SaidValue): boolean {
  const kind = kindOf(value);
  const known = kinds.get(deviceId + name);
  if (known !== undefined && (kind === 'unknown' || (known.kind === kind && known.unit === unit)))
    return false;
  kinds.set(deviceId + name, { kind, unit });
  return true;
}

async function clearNetwork(network: DiscoveryNetwork, topics: NetworkTopics): Promise<void> {
  const configs = await topics.read(network, EVERY_CONFIG);
  await topics.clear(network, [...[...configs.keys()].filter(isOurConfig), EVERY_VALUE]);
}

/** Makes what is said of devices as it is to be, one batch of them after the other. */
class Announcer {
  readonly #on: ReadonlyMap<NetworkId, OpenNetwork>;
  readonly #dependencies: Pick<DiscoveryDependencies, 'store' | 'directory' | 'topics' | 'logger'>;
  readonly #waiting = new Set<DeviceId>();
  #working: Promise<void> | null = null;

  constructor(
    on: ReadonlyMap<NetworkId, OpenNetwork>,
    dependencies: Pick<DiscoveryDependencies, 'store' | 'directory' | 'topics' | 'logger'>,
  ) {
    this.#on = on;
    this.#dependencies = dependencies;
  }

  add(deviceId: DeviceId): void {
    this.#waiting.add(deviceId);
    this.#working ??= this.#work();
  }

  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    const { directory, logger } = this.#dependencies;
    // What changes in one turn is looked at once.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const deviceIds = [...this.#waiting].slice(0, DEVICES_AT_ONCE);
      for (const deviceId of deviceIds) this.#waiting.delete(deviceId);
      try {
        for (const device of await directory.describe(deviceIds)) await this.#announce(device);
      } catch (error) {
        logger.warn({ operation: 'discovery.announce', error }, 'devices were not announced');
      }
    }
    this.#working = null;
  }

  async #announce(device: DescribedDevice): Promise<void> {
    for (const { networkId, tenantId } of device.networks) {
      const network = this.#on.get(networkId);
      if (network === undefined) continue;
      // What a guest can do is not shown to those who don't own it.
      const isGuest = tenantId !== device.tenantId;
      await this.#announceIn(network, isGuest ? { ...device, capabilities: null } : device);
    }
  }

  async #announceIn(network: OpenNetwork, device: DescribedDevice): Promise<void> {
    const { store, directory, topics } = this.#dependencies;
    const { deviceId } = device;
    const readings = (await directory.listReadings(network.networkId, deviceId)).map((reading) => ({
      ...reading,
      ...network.kinds.get(deviceId + reading.name),
    }));
    const isOwn = await store.isOwn(network.networkId, deviceId);
    const wanted = new Map(isOwn ? [] : configsOf(device, readings));
    wanted.set(availabilityTopic(deviceId), directory.isOnline(deviceId) ? 'online' : 'offline');
    const said = new Map([
      ...(await topics.read(network, configFilter(deviceId))),
      ...(await topics.read(network, availabilityTopic(deviceId))),
    ]);
    const gone = [...said.keys()].filter((topic) => !wanted.has(topic));
    await topics.clear(network, gone);
    for (const [topic, payload] of wanted) {
      if (said.get(topic) !== payload) await topics.publish(network, topic, payload);
    }
  }
}
