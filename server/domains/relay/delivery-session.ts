import type { Clock } from '../../kernel/clock.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type RelayErrorCode, relayError } from './errors.ts';
import {
  PAGE_BYTES_MAX,
  PAGE_FRAMES_MAX,
  READ_RETRIES_MAX,
  READ_RETRY_MS,
  TIMED_FRAMES,
  WINDOW_BYTES_MAX,
} from './limits.ts';
import type { NetworkEvents, RelayMetrics, RelayStore } from './ports.ts';
import type { DeliveryChannel, Membership, Peer, StoredFrame } from './types.ts';

/** The source of frames the server makes itself. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

const NOTHING_TO_CANCEL = () => {};

/** Signs frames of the stream for this session's device and hands them over with `send`, in their order. */
export type SignAndSend = (session: DeliverySession, frames: readonly StoredFrame[]) => void;

/**
 * One connected device in one network. It reads the stream from where the device stopped, then follows it live.
 * While the device has too much unacknowledged, live frames are left in the stream and read when it has caught up.
 */
export class DeliverySession {
  readonly id: string;
  readonly peer: Peer;
  readonly networkId: NetworkId;
  /** Who owns the network. */
  readonly tenantId: TenantId;
  readonly channel: DeliveryChannel;
  readonly #store: Pick<RelayStore, 'readPage'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: RelayMetrics;
  readonly #signAndSend: SignAndSend;
  readonly #events: NetworkEvents | undefined;
  #state: 'new' | 'reading' | 'live' | 'closed' = 'new';
  #pumping = false;
  #failedReads = 0;
  #cancelRetry = NOTHING_TO_CANCEL;
  #sentOffset: number;
  #acknowledgedOffset: number;
  /** How often something came that is left in the stream to be read: a page asked for before may lack it. */
  #skips = 0;
  /** What was sent and not acknowledged, oldest first. */
  #unacknowledged: { streamOffset: number; bytes: number }[] = [];
  #unacknowledgedBytes = 0;
  #sentFrames = 0;
  /** The frame that is timed, 0 for none, and when it was sent on the monotonic clock. */
  #timedOffset = 0;
  #timedAtMs = 0;
  #roundTripMs: number | null = null;

  constructor(
    init: { id: string; peer: Peer; membership: Membership; channel: DeliveryChannel; startOffset: number },
    dependencies: {
      store: Pick<RelayStore, 'readPage'>;
      clock: Clock;
      logger: Logger;
      metrics: RelayMetrics;
      signAndSend: SignAndSend;
      events?: NetworkEvents;
    },
  ) {
    this.id = init.id;
    this.peer = init.peer;
    this.networkId = init.membership.networkId;
    this.tenantId = init.membership.networkTenantId;
    this.channel = init.channel;
    this.#sentOffset = init.startOffset;
    this.#acknowledgedOffset = init.startOffset;
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#logger = dependencies.logger;
    this.#metrics = dependencies.metrics;
    this.#signAndSend = dependencies.signAndSend;
    this.#events = dependencies.events;
  }

  /** How long the last frame that was timed took to be acknowledged, the device's own delay included; null: none was. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  get acknowledgedOffset(): number {
    return this.#acknowledgedOffset;
  }

  /** Begins delivery; before it nothing of the stream is sent. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'reading';
    void this.#pump();
    this.#events?.sessionBegan({ deviceId: this.peer.actor.deviceId, networkId: this.networkId });
  }

  /** There may be frames in the stream that were not offered: goes back to reading it. */
  readAgain(): void {
    this.#skips++;
    if (this.#state !== 'live') return;
    this.#state = 'reading';
    void this.#pump();
  }

  /**
   * A STORED frame for this device was kept. True: it is to be signed and sent now, and counts as sent. False: it is read
   * from the stream later.
   */
  take({ streamOffset, content }: StoredFrame): boolean {
    if (this.#state !== 'live' || !this.#hasRoom()) {
      this.#skips++;
      if (this.#state === 'live') this.#state = 'reading';
      return false;
    }
    this.#markSent(streamOffset, content.length);
    return true;
  }

  /** Sends a signed frame: one of the stream that was taken, or (offset 0) a TRANSIENT one. */
  send(frame: Uint8Array, streamOffset: number): void {
    if (this.#state === 'closed' || this.channel.deliver(frame, streamOffset)) return;
    this.#metrics.frameDropped('slow_consumer');
    // A TRANSIENT frame may be lost; a hole in the stream may not.
    if (streamOffset !== 0) this.close('consumer_too_slow');
  }

  /** The device has handled everything up to this offset. False: it acknowledges what it was never sent. */
  acknowledge(streamOffset: number): boolean {
    if (streamOffset > this.#sentOffset) return false;
    if (streamOffset <= this.#acknowledgedOffset) return true;
    this.#acknowledgedOffset = streamOffset;
    if (this.#timedOffset !== 0 && streamOffset >= this.#timedOffset) {
      this.#roundTripMs = this.#clock.monotonicMs() - this.#timedAtMs;
      this.#timedOffset = 0;
    }
    let count = 0;
    for (const sent of this.#unacknowledged) {
      if (sent.streamOffset > streamOffset) break;
      this.#unacknowledgedBytes -= sent.bytes;
      count++;
    }
    this.#unacknowledged.splice(0, count);
    // Reads pages, not single frames: a transaction costs the same for either.
    if (this.#state === 'reading' && this.#hasRoomForPage()) void this.#pump();
    return true;
  }

  /** Ends delivery and the connection, with a reason for the device. */
  close(code: RelayErrorCode): void {
    if (this.#state === 'closed') return;
    this.detach();
    this.peer.close(relayError(code));
  }

  /** Ends delivery; the connection is gone already. */
  detach(): void {
    this.#state = 'closed';
    this.#cancelRetry();
  }

  #hasRoom(): boolean {
    return (
      this.#unacknowledged.length < this.channel.windowFrames && this.#unacknowledgedBytes < WINDOW_BYTES_MAX
    );
  }

  /** Half of the window is free. Whoever acknowledges as little as that at a time never waits. */
  #hasRoomForPage(): boolean {
    return (
      2 * this.#unacknowledged.length <= this.channel.windowFrames &&
      2 * this.#unacknowledgedBytes <= WINDOW_BYTES_MAX
    );
  }

  #markSent(streamOffset: number, bytes: number): void {
    this.#sentOffset = streamOffset;
    this.#unacknowledged.push({ streamOffset, bytes });
    this.#unacknowledgedBytes += bytes;
    if (this.#sentFrames++ % TIMED_FRAMES !== 0 || this.#timedOffset !== 0) return;
    this.#timedOffset = streamOffset;
    this.#timedAtMs = this.#clock.monotonicMs();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#state === 'reading' && this.#hasRoom()) await this.#readPage();
    } catch (error) {
      this.#readFailed(error);
    } finally {
      this.#pumping = false;
    }
  }

  #readFailed(error: unknown): void {
    if (this.#state === 'closed') return;
    this.#logger.error({ operation: 'relay.frames.read', error }, 'a stream could not be read');
    if (this.#failedReads === READ_RETRIES_MAX) {
      this.close('unavailable');
      return;
    }
    const pauseMs = READ_RETRY_MS * 2 ** this.#failedReads++;
    this.#cancelRetry();
    this.#cancelRetry = this.#clock.after(pauseMs, () => void this.#pump());
  }

  async #readPage(): Promise<void> {
    const { networkId, tenantId: networkTenantId } = this;
    const skips = this.#skips;
    // As it is now: the device may have joined a group, or left one.
    const { groups } = this.peer.memberships.get(networkId) ?? {};
    const joinedGroups = groups?.groupsOf(this.peer.actor.deviceId) ?? [];
    const network = { networkId, networkTenantId, joinedGroups };
    const limit = Math.min(PAGE_FRAMES_MAX, this.channel.windowFrames);
    const page = await this.#store.readPage(this.peer.actor, network, this.#sentOffset, limit);
    this.#failedReads = 0;
    if (this.#state !== 'reading') return;
    const taken: StoredFrame[] = [];
    for (const frame of page) {
      if (!this.#hasRoom()) break;
      this.#markSent(frame.streamOffset, frame.content.length);
      taken.push(frame);
    }
    this.#signAndSend(this, taken);
    const bytes = page.reduce((sum, { content }) => sum + content.length, 0);
    const reachedEnd = taken.length === page.length && page.length < limit && bytes < PAGE_BYTES_MAX;
    if (reachedEnd && this.#skips === skips && this.#isReading()) this.#state = 'live';
  }

  /** Asked anew, because sending may have closed the session. */
  #isReading(): boolean {
    return this.#state === 'reading';
  }
}
