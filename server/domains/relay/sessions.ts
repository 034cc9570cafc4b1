import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { DeliverySession } from './delivery-session.ts';

/** Who is connected: at most one session of a device in a network. */
export class Sessions {
  readonly #byNetwork = new Map<NetworkId, Map<DeviceId, DeliverySession>>();
  readonly #byDevice = new Map<DeviceId, Set<DeliverySession>>();

  /**
   * Adds the session; an earlier one of the device in this network is told `session_replaced` and ended. False: there is
   * one of a later connection, which stays.
   */
  add(session: DeliverySession): boolean {
    const { networkId, peer } = session;
    const { deviceId } = peer.actor;
    const earlier = this.#byNetwork.get(networkId)?.get(deviceId);
    if (earlier !== undefined) {
      if (earlier.peer.number > peer.number) return false;
      this.remove(earlier);
      earlier.close('session_replaced');
    }
    let ofNetwork = this.#byNetwork.get(networkId);
    if (ofNetwork === undefined) {
      ofNetwork = new Map();
      this.#byNetwork.set(networkId, ofNetwork);
    }
    ofNetwork.set(deviceId, session);
    let ofDevice = this.#byDevice.get(deviceId);
    if (ofDevice === undefined) {
      ofDevice = new Set();
      this.#byDevice.set(deviceId, ofDevice);
    }
    ofDevice.add(session);
    return true;
  }

  /** Removes exactly this session; a newer one of the device stays. False: it was gone already. */
  remove(session: DeliverySession): boolean {
    const { deviceId } = session.peer.actor;
    const ofDevice = this.#byDevice.get(deviceId);
    if (ofDevice === undefined || !ofDevice.delete(session)) return false;
    if (ofDevice.size === 0) this.#byDevice.delete(deviceId);
    const ofNetwork = this.#byNetwork.get(session.networkId);
    if (ofNetwork?.get(deviceId) === session) ofNetwork.delete(deviceId);
    if (ofNetwork?.size === 0) this.#byNetwork.delete(session.networkId);
    return true;
  }

  find(networkId: NetworkId, deviceId: DeviceId): DeliverySession | undefined {
    return this.#byNetwork.get(networkId)?.get(deviceId);
  }

  /** Sessions of a frame's receivers: one device, or all of the network but the source. */
  receivers(networkId: NetworkId, sourceId: string, destinationId: string | null): DeliverySession[] {
    const ofNetwork = this.#byNetwork.get(networkId);
    if (ofNetwork === undefined) return [];
    if (destinationId !== null) {
      const session = ofNetwork.get(destinationId as DeviceId);
      return session === undefined ? [] : [session];
    }
    const sessions: DeliverySession[] = [];
    for (const [deviceId, session] of ofNetwork) if (deviceId !== sourceId) sessions.push(session);
    return sessions;
  }

  ofNetwork(networkId: NetworkId): Iterable<DeliverySession> {
    return this.#byNetwork.get(networkId)?.values() ?? [];
  }

  ofDevice(deviceId: DeviceId): DeliverySession[] {
    return [...(this.#byDevice.get(deviceId) ?? [])];
  }

  *all(): Iterable<DeliverySession> {
    for (const sessions of this.#byDevice.values()) yield* sessions;
  }

  get count(): number {
    let count = 0;
    for (const sessions of this.#byDevice.values()) count += sessions.size;
    return count;
  }
}
