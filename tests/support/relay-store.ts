import type { ReplayWindowContent } from '../../proto/index.ts';
import type {
  Cursor,
  Memberships,
  RelayStore,
  SourceNonces,
  StreamHead,
  StreamOwner,
} from '../../server/domains/relay/ports.ts';
import type {
  FrameToStore,
  Membership,
  StoredFrame,
  StoreOutcome,
  StreamState,
} from '../../server/domains/relay/types.ts';
import type { DeviceActor } from '../../server/kernel/actor.ts';
import type { DeviceId, NetworkId } from '../../server/kernel/ids.ts';
import { uuid } from './frames.ts';
import { PlainWindow } from './plain-window.ts';
import { testMembership } from './relay-peer.ts';

/** As much as anybody stores. */
export const NO_QUOTAS = { streamBytesMax: Number.MAX_SAFE_INTEGER, tenantBytesMax: Number.MAX_SAFE_INTEGER };

/** A stored frame with who sent it and for whom it is. */
export interface KeptInMemory extends StoredFrame {
  readonly frameId: string;
  readonly sourceId: string;
  readonly destinationId: string | null;
}

/** One network's stream in memory, which can fail before a commit, and lose the answer after it. */
export class RelayStoreInMemory implements RelayStore {
  readonly frames: KeptInMemory[] = [];
  readonly nonces = new Map<string, PlainWindow>();
  readonly cursors = new Map<string, number>();
  /** Asked before each transaction of the stream; what it says happens to it. */
  fate: () => 'kept' | 'no room' | 'refused' | 'answer lost' = () => 'kept';
  /** Held by each transaction of the stream before it begins. */
  beforeAppend: () => Promise<void> = async () => {};
  /** Held by each read of a page before it answers. */
  beforePage: () => Promise<void> = async () => {};

  async appendFrames(frames: readonly FrameToStore[]): Promise<readonly StoreOutcome[]> {
    await this.beforeAppend();
    const fate = this.fate();
    if (fate === 'refused') throw new Error('the database is gone');
    if (fate === 'no room') return frames.map(() => ({ kind: 'refused', reason: 'storage_quota_exceeded' }));
    const outcomes = frames.map((frame) => this.#append(frame));
    for (const { sourceId, nonce, isRepetition } of frames) {
      if (!isRepetition && nonce !== null) this.#windowOf(sourceId).use(nonce);
    }
    if (fate === 'answer lost') throw new Error('the connection is lost');
    return outcomes;
  }

  async beginCursor(): Promise<void> {}

  async readState(_membership: Membership, deviceId: DeviceId): Promise<StreamState> {
    const cursor = this.cursors.get(deviceId) ?? 0;
    return {
      epoch: uuid(99),
      head: this.frames.length,
      oldest: 1,
      trimmedOffset: 0,
      cursor,
      joinedOffset: 0,
    };
  }

  async readPage({ deviceId }: DeviceActor, _network: StreamOwner, after: number, limit: number) {
    const page = this.frames.filter(
      ({ streamOffset, sourceId, destinationId }) =>
        streamOffset > after &&
        sourceId !== deviceId &&
        (destinationId === null || destinationId === deviceId),
    );
    await this.beforePage();
    return page.slice(0, limit);
  }

  async readHeads(networkIds: readonly NetworkId[]): Promise<readonly StreamHead[]> {
    return networkIds.map((networkId) => ({ networkId, head: this.frames.length }));
  }

  async findNonces(deviceId: DeviceId): Promise<ReplayWindowContent> {
    return this.#windowOf(deviceId).content();
  }

  async saveProgress(cursors: readonly Cursor[], nonces: readonly SourceNonces[]): Promise<void> {
    for (const { deviceId, streamOffset } of cursors) {
      this.cursors.set(deviceId, Math.max(streamOffset, this.cursors.get(deviceId) ?? 0));
    }
    for (const used of nonces) this.#windowOf(used.deviceId).add(used);
  }

  async forgetDevice(): Promise<void> {}

  async removeOldFrames(): Promise<number> {
    return 0;
  }

  async removeAcknowledged(): Promise<boolean> {
    return false;
  }

  #append({ sourceId, frameId, destinationId, isRepetition, content }: FrameToStore): StoreOutcome {
    const known = this.frames.find((kept) => kept.sourceId === sourceId && kept.frameId === frameId);
    if (known) return { kind: 'stored', streamOffset: known.streamOffset, duplicate: true };
    if (isRepetition) return { kind: 'refused', reason: 'frame_replayed' };
    const streamOffset = this.frames.length + 1;
    this.frames.push({ frameId, streamOffset, content, sourceId, destinationId });
    return { kind: 'stored', streamOffset, duplicate: false };
  }

  #windowOf(deviceId: string): PlainWindow {
    const known = this.nonces.get(deviceId);
    const window = known ?? new PlainWindow();
    if (known === undefined) this.nonces.set(deviceId, window);
    return window;
  }
}

/** Memberships that a test changes: at first every device is in `testNetworkId`. */
export class MembershipsInMemory implements Memberships {
  /** The networks of devices that differ; null: there is no such device. */
  readonly changed = new Map<string, readonly Membership[] | null>();

  async findMemberships({ deviceId }: DeviceActor): Promise<readonly Membership[] | null> {
    const changed = this.changed.get(deviceId);
    return changed === undefined ? [testMembership] : changed;
  }

  /** How often it was asked whether somebody is a member. */
  asked = 0;

  async isMember(): Promise<boolean> {
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }
}
