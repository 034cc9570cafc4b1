import { Groups } from '../../kernel/groups.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { DeliverySession } from './delivery-session.ts';
import type { GroupMembers } from './types.ts';

/** A network with sessions on this node. */
interface LiveNetwork {
  /** Every live session has what the stream has for it up to here. */
  head: number;
  readonly sessions: Map<DeviceId, DeliverySession>;
  readonly stopListening: () => void;
}

/** Who is connected: at most one session of a device in a network; and how far each network's stream was offered to them. */
export class Sessions {
  readonly #listen: (networkId: NetworkId) => () => void;
  readonly #byNetwork = new Map<NetworkId, LiveNetwork>();
  readonly #byDevice = new Groups<DeviceId, DeliverySession>();
  #count = 0;

  /** `listen` begins to listen to what other nodes say of a network, while it has sessions here. */
  constructor(listen: (networkId: NetworkId) => () => void) {
    this.#listen = listen;
  }

  /**
   * Adds the session, which reads the stream from before `head`; an earlier one of the device in this network is told
   * `session_replaced` and ended. False: there is one of a later connection, which stays.
   */
  add(session: DeliverySession, head: number): boolean {
    const { networkId, peer } = session;
    const { deviceId } = peer.actor;
    const earlier = this.find(networkId, deviceId);
    if (earlier !== undefined) {
      if (earlier.peer.number > peer.number) return false;
      this.remove(earlier);
      earlier.close('session_replaced');
    }
    const network = this.#byNetwork.get(networkId);
    if (network === undefined) {
      const stopListening = this.#listen(networkId);
      this.#byNetwork.set(networkId, { head, sessions: new Map([[deviceId, session]]), stopListening });
    } else {
      network.sessions.set(deviceId, session);
      this.headMoved(networkId, head);
    }
    this.#byDevice.add(deviceId, session);
    this.#count++;
    return true;
  }

  /** Removes exactly this session; a newer one of the device stays. False: it was gone already. */
  remove(session: DeliverySession): boolean {
    const { deviceId } = session.peer.actor;
    if (!this.#byDevice.remove(deviceId, session)) return false;
    this.#count--;
    const network = this.#byNetwork.get(session.networkId);
    if (network?.sessions.get(deviceId) === session) network.sessions.delete(deviceId);
    if (network?.sessions.size === 0) {
      this.#byNetwork.delete(session.networkId);
      network.stopListening();
    }
    return true;
  }

  find(networkId: NetworkId, deviceId: DeviceId): DeliverySession | undefined {
    return this.#byNetwork.get(networkId)?.sessions.get(deviceId);
  }

  /** Sessions of a frame's receivers: one device, the members of a group, or all of the network; never the source. */
  receivers(
    networkId: NetworkId,
    sourceId: string,
    destinationId: string | null,
    members?: GroupMembers,
  ): DeliverySession[] {
    const found = this.#byNetwork.get(networkId)?.sessions;
    if (found === undefined) return [];
    if (members !== undefined) return membersAmong(found, members, sourceId);
    if (destinationId !== null) {
      const session = found.get(destinationId as DeviceId);
      return session === undefined ? [] : [session];
    }
    const sessions: DeliverySession[] = [];
    for (const [deviceId, session] of found) if (deviceId !== sourceId) sessions.push(session);
    return sessions;
  }

  /**
   * The stream got frames `first` to `last` here. True: live sessions have all before them, so that these can be offered.
   * False: something between is from elsewhere, and the sessions read it all from the stream.
   */
  continues(networkId: NetworkId, first: number, last: number): boolean {
    const network = this.#byNetwork.get(networkId);
    if (network === undefined) return false;
    if (first === network.head + 1) {
      network.head = last;
      return true;
    }
    network.head = Math.max(network.head, last);
    this.readAgain(networkId);
    return false;
  }

  /** The stream is known to go up to `head`: if that is further than was offered, its sessions read it. */
  headMoved(networkId: NetworkId, head: number): void {
    const network = this.#byNetwork.get(networkId);
    if (network === undefined || head <= network.head) return;
    network.head = head;
    this.readAgain(networkId);
  }

  /** Frames may be in the stream that were not offered. */
  readAgain(networkId: NetworkId): void {
    for (const session of this.#byNetwork.get(networkId)?.sessions.values() ?? []) session.readAgain();
  }

  /** The networks with sessions here. */
  networkIds(): readonly NetworkId[] {
    return [...this.#byNetwork.keys()];
  }

  ofDevice(deviceId: DeviceId): DeliverySession[] {
    return [...this.#byDevice.of(deviceId)];
  }

  all(): Iterable<DeliverySession> {
    return this.#byDevice.all();
  }

  get count(): number {
    return this.#count;
  }
}

/** Goes through whichever are fewer: the group, or those that are connected. */
function membersAmong(
  connected: ReadonlyMap<DeviceId, DeliverySession>,
  members: GroupMembers,
  sourceId: string,
): DeliverySession[] {
  const found: DeliverySession[] = [];
  const isSmallGroup = members.size < connected.size;
  for (const deviceId of isSmallGroup ? members.keys() : connected.keys()) {
    const session = connected.get(deviceId);
    if (deviceId !== sourceId && session !== undefined && members.has(deviceId)) found.push(session);
  }
  return found;
}
