import { FrameType } from '../../proto/index.ts';
import type { OutgoingFrame } from '../client/index.ts';
import { OUTBOX_FRAMES_MAX, SENT_FRAMES_MAX } from './limits.ts';

/** Frames that the broker hasn't taken over yet, in order. When full, the oldest reading makes room. */
export class DeviceOutbox {
  readonly #frames = new Map<string, OutgoingFrame>();
  /** The broker took them over; the server may still refuse them. */
  readonly #sent = new Map<string, OutgoingFrame>();
  readonly #refused = new Set<string>();
  #lost = 0;

  /** Frames that had to make room. */
  get lost(): number {
    return this.#lost;
  }

  get size(): number {
    return this.#frames.size;
  }

  /** Keeps a frame until it is `settled`. */
  add(id: string, frame: OutgoingFrame): void {
    this.#frames.set(id, frame);
    if (this.#frames.size <= OUTBOX_FRAMES_MAX) return;
    const entries = [...this.#frames];
    const [oldest] = entries.find(([, { type }]) => type === FrameType.EVENT) ?? entries[0] ?? [];
    if (oldest !== undefined) this.#frames.delete(oldest);
    this.#lost++;
  }

  /** The broker has taken the frame over. */
  settled(id: string, frame: OutgoingFrame): void {
    this.#frames.delete(id);
    this.#sent.set(id, frame);
    dropOldest(this.#sent);
  }

  /** A frame that was taken over and refused, to be sent once more; undefined for one that isn't known, or was already. */
  takeRefused(id: string): OutgoingFrame | undefined {
    const frame = this.#frames.get(id) ?? this.#sent.get(id);
    if (frame === undefined || this.#refused.has(id)) return undefined;
    this.#sent.delete(id);
    this.#refused.add(id);
    dropOldest(this.#refused);
    return frame;
  }

  /** Everything that still waits, oldest first. */
  waiting(): [string, OutgoingFrame][] {
    return [...this.#frames];
  }
}

function dropOldest(frames: Map<string, unknown> | Set<string>): void {
  const [oldest] = frames.keys();
  if (frames.size > SENT_FRAMES_MAX && oldest !== undefined) frames.delete(oldest);
}
