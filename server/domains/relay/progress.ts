import type { Logger } from '../../kernel/logger.ts';
import type { DeliverySession } from './delivery-session.ts';
import type { Cursor, RelayStore } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { Sources } from './sources.ts';

/** What is in memory first and saved every second: what devices acknowledged, and which nonces were used. */
export class Progress {
  readonly #store: Pick<RelayStore, 'saveProgress'>;
  readonly #logger: Logger;
  readonly #sources: Sources;
  readonly #sessions: Sessions;
  /** Up to where each session's acknowledgements are saved. */
  readonly #savedOffsets = new WeakMap<DeliverySession, number>();

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

  /** A session goes on from this offset. */
  begin(session: DeliverySession, streamOffset: number): void {
    this.#savedOffsets.set(session, streamOffset);
  }

  /** A session ended: saves what its device acknowledged since the last time. */
  end(session: DeliverySession): void {
    const cursor = this.#unsavedOf(session);
    if (cursor === null) return;
    this.#store.saveProgress([cursor], []).catch((error: unknown) => {
      this.#logger.warn({ operation: 'relay.progress.save', error }, 'a cursor was not saved');
    });
  }

  /** Saves what has changed since the last time. */
  async save(): Promise<void> {
    const nonces = this.#sources.takeUnsaved();
    const moved: { readonly session: DeliverySession; readonly cursor: Cursor }[] = [];
    for (const session of this.#sessions.all()) {
      const cursor = this.#unsavedOf(session);
      if (cursor !== null) moved.push({ session, cursor });
    }
    if (nonces.length === 0 && moved.length === 0) return;
    await this.#store.saveProgress(
      moved.map(({ cursor }) => cursor),
      nonces,
    );
    for (const { saved } of nonces) saved();
    for (const { session, cursor } of moved) this.#savedOffsets.set(session, cursor.streamOffset);
  }

  /** What the device acknowledged since the last save, or null. */
  #unsavedOf(session: DeliverySession): Cursor | null {
    const streamOffset = session.acknowledgedOffset;
    if (streamOffset <= (this.#savedOffsets.get(session) ?? 0)) return null;
    const { tenantId, networkId, peer } = session;
    return { tenantId, networkId, deviceId: peer.actor.deviceId, streamOffset };
  }
}
