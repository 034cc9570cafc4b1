import type { SigningKey } from '../../../assembly/host/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { AppError } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { relayError } from './errors.ts';
import type { Memberships, RelayCore } from './ports.ts';
import type { Sources } from './sources.ts';
import type { DeviceIdentity, Membership, Peer, PeerEvents } from './types.ts';

/** A connected device, with memberships that follow the database. */
class ConnectedPeer implements Peer {
  readonly actor: DeviceActor;
  readonly signingKey: SigningKey;
  readonly number: number;
  memberships: ReadonlyMap<NetworkId, Membership> = new Map();
  /** The read that gave `memberships`. */
  appliedRead = 0;
  readonly #events: PeerEvents;

  constructor(actor: DeviceActor, signingKey: SigningKey, number: number, events: PeerEvents) {
    this.actor = actor;
    this.signingKey = signingKey;
    this.number = number;
    this.#events = events;
  }

  close(reason: AppError): void {
    this.#events.close(reason);
  }

  membershipsChanged(): void {
    this.#events.membershipsChanged();
  }
}

/** The connections of devices, and to which networks each device belongs at this moment. */
export class Peers {
  readonly #core: Pick<RelayCore, 'importKey'>;
  readonly #memberships: Pick<Memberships, 'findMemberships'>;
  readonly #sources: Sources;
  readonly #lost: (peer: Peer, networkId: NetworkId) => void;
  readonly #connected = new Groups<DeviceId, ConnectedPeer>();
  #count = 0;
  #reads = 0;

  /** `lost` is called for each network that a connected device doesn't belong to any more, before the peer is told. */
  constructor(
    dependencies: {
      core: Pick<RelayCore, 'importKey'>;
      memberships: Pick<Memberships, 'findMemberships'>;
      sources: Sources;
    },
    lost: (peer: Peer, networkId: NetworkId) => void,
  ) {
    this.#core = dependencies.core;
    this.#memberships = dependencies.memberships;
    this.#sources = dependencies.sources;
    this.#lost = lost;
  }

  /** A connection begins. Refuses with `unauthenticated` a device that is not there any more. */
  async connect({ actor, signingKey }: DeviceIdentity, events: PeerEvents): Promise<Peer> {
    const peer = new ConnectedPeer(actor, this.#core.importKey(signingKey), ++this.#count, events);
    const { deviceId } = actor;
    this.#connected.add(deviceId, peer);
    try {
      await this.#sources.connect(peer);
      // Read after it was noted as connected: a change later than this finds it.
      await this.refresh(deviceId);
    } catch (error) {
      this.disconnect(peer);
      throw error;
    }
    if (!this.isConnected(peer)) throw relayError('unauthenticated');
    return peer;
  }

  /** A connection ended. */
  disconnect(peer: Peer): void {
    const { deviceId } = peer.actor;
    this.#sources.disconnect(peer);
    this.#connected.remove(deviceId, peer as ConnectedPeer);
  }

  /** True between `connect` and `disconnect` or `close`. */
  isConnected(peer: Peer): boolean {
    return this.#connected.has(peer.actor.deviceId, peer as ConnectedPeer);
  }

  /** Reads a device's memberships anew for all of its connections. Ends them with `unauthenticated` when it is gone. */
  async refresh(deviceId: DeviceId): Promise<void> {
    const peer = this.#connected.first(deviceId);
    if (peer === undefined) return;
    const read = ++this.#reads;
    const memberships = await this.#memberships.findMemberships(peer.actor);
    if (memberships === null) this.close(deviceId);
    for (const connected of [...this.#connected.of(deviceId)]) {
      // A read that began later knows at least as much, and may have come back first.
      if (read > connected.appliedRead) this.#apply(connected, memberships ?? [], read);
    }
  }

  /** Ends every connection of the device with `unauthenticated`. */
  close(deviceId: DeviceId): void {
    for (const peer of [...this.#connected.of(deviceId)]) {
      this.disconnect(peer);
      peer.close(relayError('unauthenticated'));
    }
  }

  #apply(peer: ConnectedPeer, memberships: readonly Membership[], read: number): void {
    const before = peer.memberships;
    peer.appliedRead = read;
    peer.memberships = new Map(memberships.map((membership) => [membership.networkId, membership]));
    const lost = [...before.keys()].filter((networkId) => !peer.memberships.has(networkId));
    const gained = memberships.some(({ networkId }) => !before.has(networkId));
    for (const networkId of lost) this.#lost(peer, networkId);
    if (lost.length > 0 || gained) peer.membershipsChanged();
  }
}
