import {
  Delivery,
  DirectBeat,
  decodePayload,
  encodePayload,
  FrameType,
  type FrameView,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { DropReason, FrameChannel, OutgoingFrame } from '../frame-channel.ts';
import type { Clock } from '../ports.ts';
import {
  ACKNOWLEDGED_BYTES,
  ACKNOWLEDGED_FRAMES,
  BEAT_INTERVAL_MS,
  HELD_FRAMES_MAX,
  HOLD_MS,
  SILENT_BEATS_MAX,
  UNDER_WAY_BYTES_MAX,
  UNDER_WAY_FRAMES_MAX,
} from './limits.ts';
import type { PathQuality } from './path-choice.ts';
import type { DirectLink } from './ports.ts';

/** A frame with its id. */
export interface SentFrame {
  readonly id: string;
  readonly frame: OutgoingFrame;
}

/** What a path tells. */
export interface DirectPathHandlers {
  received(frame: FrameView): void;
  dropped(reason: DropReason | 'frame_payload_malformed' | 'direct_not_permitted'): void;
  /** A beat was answered. */
  measured(quality: PathQuality): void;
  /** There is room for frames again. */
  drained(): void;
  /** True: this frame arrived over the relay. */
  hasArrived(id: string): boolean;
  /** It is over; these frames may not have arrived. Told once. */
  ended(unconfirmed: readonly SentFrame[]): void;
}

/** What may be sent from one device to another without the server. */
const CARRIED: ReadonlySet<number> = new Set([FrameType.EVENT, FrameType.ERROR, FrameType.SEALED]);
/** How fast measurements forget. */
const SMOOTHING = 1 / 8;

/** True for frames that a direct path may carry: what isn't kept, between two devices. */
export const isCarried = ({ type, delivery, destinationId }: OutgoingFrame): boolean =>
  delivery === Delivery.TRANSIENT && destinationId != null && CARRIED.has(type);

/** One direct path to another device, from its connection to its end. Keeps what may have been lost, to be sent again over the relay. */
export class DirectPath {
  readonly #link: DirectLink;
  readonly #channel: FrameChannel;
  readonly #options: { readonly peerId: string; readonly maySend: boolean; readonly mayReceive: boolean };
  readonly #clock: Clock;
  readonly #preciseMs: () => number;
  readonly #handlers: DirectPathHandlers;
  #isOver = false;
  #cancelBeat: () => void = () => {};
  #silentBeats = 0;
  readonly #underWay: SentFrame[] = [];
  #underWayBytes = 0;
  #confirmed = 0;
  #isFull = false;
  #received = 0;
  #unsaidFrames = 0;
  #unsaidBytes = 0;
  #beatNumber = 0;
  readonly #beatsSentAtMs = new Map<number, number>();
  #peerBeat = { number: 0, atMs: 0 };
  #lastEcho = 0;
  /** The numbers of the beats two ticks ago and one ago; others are sent in between. */
  #ticked: readonly [number, number] = [0, 0];
  #roundTripMs: number | null = null;
  #loss = 0;
  #after: string | null = null;
  #held: FrameView[] = [];
  #cancelHold: () => void = () => {};

  constructor(
    options: { readonly peerId: string; readonly maySend: boolean; readonly mayReceive: boolean },
    dependencies: {
      readonly link: DirectLink;
      readonly channel: FrameChannel;
      readonly clock: Clock;
      readonly preciseMs: () => number;
      readonly handlers: DirectPathHandlers;
    },
  ) {
    this.#options = options;
    this.#link = dependencies.link;
    this.#channel = dependencies.channel;
    this.#clock = dependencies.clock;
    this.#preciseMs = dependencies.preciseMs;
    this.#handlers = dependencies.handlers;
    this.#link.start({ frame: (bytes) => this.#arrived(bytes), closed: () => this.end() });
    this.#tick();
  }

  /** As it was measured; null: nothing was answered yet. */
  get quality(): PathQuality | null {
    return this.#roundTripMs === null ? null : { roundTripMs: this.#roundTripMs, loss: this.#loss };
  }

  get maySend(): boolean {
    return this.#options.maySend;
  }

  /** False: no frame more may be on its way, until `drained`. */
  get hasRoom(): boolean {
    return this.#underWay.length < UNDER_WAY_FRAMES_MAX && this.#underWayBytes < UNDER_WAY_BYTES_MAX;
  }

  /** What follows is to be taken after this frame, which went over the relay. */
  follow(afterId: string | null): void {
    this.#beat(afterId);
  }

  /** Sends a frame. False: too much is on its way. */
  send(frame: OutgoingFrame, id: string): boolean {
    if (this.#isOver || !this.hasRoom) {
      this.#isFull = true;
      return false;
    }
    this.#underWay.push({ frame, id });
    this.#underWayBytes += frame.payload.length;
    this.#link.send(this.#channel.seal(frame, id));
    return true;
  }

  /** A frame arrived over the relay: what was to be taken after it is taken now. */
  arrivedByRelay(id: string): void {
    if (id === this.#after) this.#release();
  }

  /** Ends it. What isn't confirmed is told. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelBeat();
    this.#link.close();
    this.#release();
    this.#handlers.ended(this.#underWay.splice(0));
  }

  #tick(): void {
    this.#cancelBeat = this.#clock.after(BEAT_INTERVAL_MS, () => {
      if (++this.#silentBeats > SILENT_BEATS_MAX) {
        this.end();
        return;
      }
      this.#tick();
      // What isn't answered two beats later is late: below, what is lost is sent again, and arrives so.
      const [twoAgo, oneAgo] = this.#ticked;
      this.#loss += ((this.#lastEcho < twoAgo ? 1 : 0) - this.#loss) * SMOOTHING;
      this.#beat(null);
      this.#ticked = [oneAgo, this.#beatNumber];
    });
  }

  #beat(afterId: string | null): void {
    if (this.#isOver) return;
    const nowMs = this.#preciseMs();
    this.#beatNumber++;
    this.#beatsSentAtMs.set(this.#beatNumber, nowMs);
    this.#beatsSentAtMs.delete(this.#beatNumber - UNDER_WAY_FRAMES_MAX);
    this.#unsaidFrames = 0;
    this.#unsaidBytes = 0;
    const { number, atMs } = this.#peerBeat;
    const payload = encodePayload(DirectBeat, {
      number: this.#beatNumber,
      echo: number,
      echoDelayUs: number === 0 ? 0 : Math.round((nowMs - atMs) * 1_000),
      received: this.#received,
      afterId: afterId === null ? new Uint8Array(0) : uuidToBytes(afterId),
    });
    const beat = { type: FrameType.DIRECT_BEAT, delivery: Delivery.TRANSIENT, payload };
    const to = { destinationId: this.#options.peerId };
    this.#link.send(this.#channel.seal({ ...beat, ...to }, this.#channel.newId()));
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#isOver) return;
    const opened = this.#channel.open(bytes);
    const { peerId } = this.#options;
    if (!opened.ok) this.#handlers.dropped(opened.reason);
    else if (opened.frame.header.sourceId !== peerId) this.#handlers.dropped('frame_destination_wrong');
    else if (opened.frame.header.type === FrameType.DIRECT_BEAT) this.#heard(opened.frame);
    else this.#take(opened.frame);
  }

  #take(frame: FrameView): void {
    const { type, delivery, madeByServer } = frame.header;
    this.#silentBeats = 0;
    this.#received++;
    this.#unsaidFrames++;
    this.#unsaidBytes += frame.payload.length;
    const isMuch = this.#unsaidFrames >= ACKNOWLEDGED_FRAMES || this.#unsaidBytes >= ACKNOWLEDGED_BYTES;
    if (isMuch) this.#beat(null);
    const isCarriedHere = delivery === Delivery.TRANSIENT && CARRIED.has(type) && !madeByServer;
    if (!this.#options.mayReceive || !isCarriedHere || frame.streamOffset !== 0) {
      this.#handlers.dropped('direct_not_permitted');
    } else if (this.#after === null) {
      this.#handlers.received(frame);
    } else {
      this.#held.push(frame);
      if (this.#held.length >= HELD_FRAMES_MAX) this.#release();
    }
  }

  #heard(frame: FrameView): void {
    let beat: ReturnType<typeof DirectBeat.decode>;
    try {
      beat = decodePayload(DirectBeat, frame.payload);
    } catch {
      this.#handlers.dropped('frame_payload_malformed');
      return;
    }
    this.#silentBeats = 0;
    const nowMs = this.#preciseMs();
    this.#peerBeat = { number: beat.number, atMs: nowMs };
    this.#confirm(beat.received);
    if (beat.afterId.length === 16) this.#hold(uuidFromBytes(beat.afterId));
    const sentAtMs = this.#beatsSentAtMs.get(beat.echo);
    if (sentAtMs === undefined) return;
    for (const number of this.#beatsSentAtMs.keys())
      if (number <= beat.echo) this.#beatsSentAtMs.delete(number);
    this.#lastEcho = beat.echo;
    const measuredMs = Math.max(0, nowMs - sentAtMs - beat.echoDelayUs / 1_000);
    const before = this.#roundTripMs ?? measuredMs;
    this.#roundTripMs = before + (measuredMs - before) * SMOOTHING;
    this.#handlers.measured({ roundTripMs: this.#roundTripMs, loss: this.#loss });
  }

  #confirm(received: number): void {
    const count = Math.min(received - this.#confirmed, this.#underWay.length);
    if (!(count > 0)) return;
    this.#confirmed += count;
    for (const { frame } of this.#underWay.splice(0, count)) this.#underWayBytes -= frame.payload.length;
    if (!this.#isFull || !this.hasRoom) return;
    this.#isFull = false;
    this.#handlers.drained();
  }

  #hold(afterId: string): void {
    this.#release();
    if (this.#handlers.hasArrived(afterId)) return;
    this.#after = afterId;
    this.#cancelHold = this.#clock.after(HOLD_MS, () => this.#release());
  }

  #release(): void {
    this.#cancelHold();
    this.#after = null;
    for (const frame of this.#held.splice(0)) this.#handlers.received(frame);
  }
}
