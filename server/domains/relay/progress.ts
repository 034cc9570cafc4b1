import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { DeliverySession } from './delivery-session.ts';
import type { Cursor, NetworkDevice, RelayStore } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { Sources } from './sources.ts';

/** What is in memory first and saved every second: what devices acknowledged, and which nonces were used. */
export class Progress {
  readonly #store: Pick<RelayStore, 'saveProgress'>;
  readonly #logger: Logger;
  readonly #sources: Sources;
  readonly #sessions: Sessions;
  /** Where each session began: its device may never have acknowledged what is before that. */
  readonly #startOffsets = new WeakMap<DeliverySession, number>();
  /** Up to where each session's acknowledgements are saved. */
  readonly #savedOffsets = new WeakMap<DeliverySession, number>();
  /** What devices acknowledged in sessions that have ended, until it is saved: one entry a device and network. */
  readonly #left = new Map<string, Cursor>();

  constructor(
    dependencies: { readonly store: Pick<RelayStore, 'saveProgress'>; readonly logger: Logger },
    sources: Sources,
    sessions: Sessions,
  ) {
    this.#store = dependencies.store;
    this.#logger = dependencies.logger;
    this.#sources = sources;
    this.#sessions = sessions;
  }

  /** A session goes on from this offset, in the place of an earlier one of its device. */
  begin(session: DeliverySession, streamOffset: number, earlier: DeliverySession | undefined): void {
    if (earlier !== undefined) this.end(earlier);
    this.#startOffsets.set(session, streamOffset);
    this.#savedOffsets.set(session, streamOffset);
  }

  /** A session ended: saves what its device acknowledged since the last time. */
  end(session: DeliverySession): void {
    const cursor = this.#unsavedOf(session);
    if (cursor === null) return;
    const key = keyOf(cursor);
    if (cursor.streamOffset <= (this.#left.get(key)?.streamOffset ?? 0)) return;
    this.#left.set(key, cursor);
    this.#store.saveProgress([cursor], []).then(
      () => this.#forgetSaved(cursor),
      // It stays, for the next save.
      (error: unknown) => {
        this.#logger.warn({ operation: 'relay.progress.save', error }, 'a cursor was not saved');
      },
    );
  }

  /** What the device acknowledged in this network and what may not be saved yet; 0: nothing. */
  unsavedOffset(device: NetworkDevice): number {
    const session = this.#sessions.find(device.networkId, device.deviceId);
    const left = this.#left.get(keyOf(device))?.streamOffset ?? 0;
    if (session === undefined || session.acknowledgedOffset === this.#startOffsets.get(session)) return left;
    return Math.max(session.acknowledgedOffset, left);
  }

  /** The device is no longer in this network; null: in none. */
  forget(deviceId: DeviceId, networkId: NetworkId | null): void {
    for (const [key, cursor] of this.#left) {
      const isOfNetwork = networkId === null || cursor.networkId === networkId;
      if (cursor.deviceId === deviceId && isOfNetwork) this.#left.delete(key);
    }
  }

  /** Saves what has changed since the last time. */
  async save(): Promise<void> {
    const nonces = this.#sources.takeUnsaved();
    const left = [...this.#left.values()];
    const cursors = new Map(this.#left);
    const moved: { readonly session: DeliverySession; readonly cursor: Cursor }[] = [];
    for (const session of this.#sessions.all()) {
      const cursor = this.#unsavedOf(session);
      if (cursor === null) continue;
      moved.push({ session, cursor });
      const key = keyOf(cursor);
      // A device may go on before where it had been.
      if (cursor.streamOffset > (cursors.get(key)?.streamOffset ?? 0)) cursors.set(key, cursor);
    }
    if (nonces.length === 0 && cursors.size === 0) return;
    await this.#store.saveProgress([...cursors.values()], nonces);
    for (const { saved } of nonces) saved();
    for (const cursor of left) this.#forgetSaved(cursor);
    for (const { session, cursor } of moved) this.#savedOffsets.set(session, cursor.streamOffset);
  }

  #forgetSaved(cursor: Cursor): void {
    const key = keyOf(cursor);
    if (this.#left.get(key) === cursor) this.#left.delete(key);
  }

  /** What the device acknowledged since the last save, or null. */
  #unsavedOf(session: DeliverySession): Cursor | null {
    const streamOffset = session.acknowledgedOffset;
    if (streamOffset <= (this.#savedOffsets.get(session) ?? 0)) return null;
    const { tenantId, networkId, peer } = session;
    return { tenantId, networkId, deviceId: peer.actor.deviceId, streamOffset };
  }
}

const keyOf = ({ networkId, deviceId }: NetworkDevice) => `${networkId} ${deviceId}`;
