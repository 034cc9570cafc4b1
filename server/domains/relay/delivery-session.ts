import type { Clock } from '../../kernel/clock.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type RelayErrorCode, relayError } from './errors.ts';
import { PAGE_FRAMES_MAX, READ_RETRIES_MAX, READ_RETRY_MS, WINDOW_BYTES_MAX } from './limits.ts';
import type { RelayStore } from './ports.ts';
import { tenantOf } from './rules.ts';
import type { DeliveryChannel, Peer } from './types.ts';

/** The source of frames the server makes itself. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Signs header and payload for this session's device, with the position in the stream, and hands the frame over. */
export type SignAndDeliver = (session: DeliverySession, content: Uint8Array, streamOffset: number) => boolean;

/**
 * One connected device in one network. It reads the stream from where the device stopped, then follows it live.
 * While the device has too much unacknowledged, live frames are left in the stream and read when it has caught up.
 */
export class DeliverySession {
  readonly id: string;
  readonly peer: Peer;
  readonly networkId: NetworkId;
  readonly channel: DeliveryChannel;
  readonly #store: RelayStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #signAndDeliver: SignAndDeliver;
  #state: 'new' | 'reading' | 'live' | 'closed' = 'new';
  #pumping = false;
  #failedReads = 0;
  #cancelRetry = () => {};
  #sentOffset: number;
  #acknowledgedOffset: number;
  /** How often something came that is left in the stream to be read: a page asked for before may lack it. */
  #skips = 0;
  /** What was sent and not acknowledged, oldest first. */
  #unacknowledged: { streamOffset: number; bytes: number }[] = [];
  #unacknowledgedBytes = 0;

  constructor(
    init: { id: string; peer: Peer; networkId: NetworkId; channel: DeliveryChannel; startOffset: number },
    dependencies: { store: RelayStore; clock: Clock; logger: Logger; signAndDeliver: SignAndDeliver },
  ) {
    this.id = init.id;
    this.peer = init.peer;
    this.networkId = init.networkId;
    this.channel = init.channel;
    this.#sentOffset = init.startOffset;
    this.#acknowledgedOffset = init.startOffset;
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#logger = dependencies.logger;
    this.#signAndDeliver = dependencies.signAndDeliver;
  }

  get acknowledgedOffset(): number {
    return this.#acknowledgedOffset;
  }

  /** Begins delivery; before it nothing of the stream is sent. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'reading';
    void this.#pump();
  }

  /** Frames may have been kept without being offered: goes back to reading the stream. */
  readAgain(): void {
    this.#skips++;
    if (this.#state !== 'live') return;
    this.#state = 'reading';
    void this.#pump();
  }

  /** A STORED frame for this device was kept. */
  offer(content: Uint8Array, streamOffset: number): void {
    if (this.#state === 'live' && this.#hasRoom()) this.#send(content, streamOffset);
    else {
      this.#skips++;
      if (this.#state === 'live') this.#state = 'reading';
    }
  }

  /** The device has handled everything up to this offset. False: it acknowledges what it was never sent. */
  acknowledge(streamOffset: number): boolean {
    if (streamOffset > this.#sentOffset) return false;
    if (streamOffset <= this.#acknowledgedOffset) return true;
    this.#acknowledgedOffset = streamOffset;
    let count = 0;
    for (const sent of this.#unacknowledged) {
      if (sent.streamOffset > streamOffset) break;
      this.#unacknowledgedBytes -= sent.bytes;
      count++;
    }
    this.#unacknowledged.splice(0, count);
    if (this.#state === 'reading') void this.#pump();
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

  #send(content: Uint8Array, streamOffset: number): void {
    this.#sentOffset = streamOffset;
    this.#unacknowledged.push({ streamOffset, bytes: content.length });
    this.#unacknowledgedBytes += content.length;
    if (!this.#signAndDeliver(this, content, streamOffset)) this.close('consumer_too_slow');
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
    const { deviceId } = this.peer.actor;
    const skips = this.#skips;
    const page = await this.#store.readPage(
      tenantOf(this.peer, this.networkId),
      this.networkId,
      deviceId,
      this.#sentOffset,
      PAGE_FRAMES_MAX,
    );
    this.#failedReads = 0;
    for (const { content, streamOffset } of page) {
      if (this.#state !== 'reading' || !this.#hasRoom()) return;
      this.#send(content, streamOffset);
    }
    const reachedEnd = page.length < PAGE_FRAMES_MAX && this.#skips === skips;
    if (reachedEnd && this.#state === 'reading') this.#state = 'live';
  }
}
