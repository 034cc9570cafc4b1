import { BifrostError } from './errors.ts';
import type { OutgoingFrame } from './frame-channel.ts';
import { OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX, REPLAYS_MAX } from './limits.ts';

/** What the server answered to a frame that it accepted. */
export interface Acceptance {
  /** Position in the network's stream; 0 for what isn't stored. */
  readonly offset: number;
  /** The payload of an answer that says more than that the frame was taken. */
  readonly answer?: Uint8Array;
  /** True: it went sealed, for its receiver alone. */
  readonly isSealed?: true;
}

interface Waiting {
  readonly frame: OutgoingFrame;
  /** Sent again in the next session, or given up with this one. */
  readonly again: boolean;
  /** How often the server called it a replay. */
  replays: number;
  readonly resolve: (acceptance: Acceptance) => void;
  readonly reject: (error: BifrostError) => void;
}

/**
 * Frames whose answer (ACK or ERROR) is still to come, in the order in which they were given. No more of them are sent at a
 * time than the server takes.
 */
export class Outbox {
  readonly #waiting = new Map<string, Waiting>();
  /** What this session has not sent yet. */
  #unsent = new Set<string>();
  /** What the server has not answered yet, also where nobody waits for the answer any more. */
  readonly #underWay = new Set<string>();
  #window = 0;
  #payloadBytes = 0;

  /**
   * Keeps a frame until it is settled. `again`: also over the end of a session. Rejects with `outbox_full` when too
   * many wait.
   */
  add(id: string, frame: OutgoingFrame, again: boolean): Promise<Acceptance> {
    const payloadBytes = this.#payloadBytes + frame.payload.length;
    if (this.#waiting.size >= OUTBOX_FRAMES_MAX || payloadBytes > OUTBOX_BYTES_MAX) {
      return Promise.reject(
        new BifrostError('outbox_full', 'Too many frames wait for their acknowledgement.'),
      );
    }
    this.#payloadBytes = payloadBytes;
    this.#unsent.add(id);
    return new Promise((resolve, reject) =>
      this.#waiting.set(id, { frame, again, replays: 0, resolve, reject }),
    );
  }

  /** A new session has everything to send that is not settled; the server takes `window` frames at a time. */
  sessionBegan(window: number): void {
    this.#window = window;
    this.#underWay.clear();
    this.#unsent = new Set(this.#waiting.keys());
  }

  /** Takes out the oldest frame that is to be sent now; null: none is, or the server takes no more before it has answered. */
  next(): { readonly id: string; readonly frame: OutgoingFrame } | null {
    if (this.#underWay.size >= this.#window) return null;
    for (const id of this.#unsent) {
      const waiting = this.#waiting.get(id);
      this.#unsent.delete(id);
      if (waiting === undefined) continue;
      this.#underWay.add(id);
      return { id, frame: waiting.frame };
    }
    return null;
  }

  /** The server has answered this frame: it takes another one. */
  answered(id: string): void {
    this.#underWay.delete(id);
  }

  /** The server knows the frame's nonce: it is to be sent again with another. False: that was done too often, or nobody waits. */
  replayed(id: string): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || ++waiting.replays > REPLAYS_MAX) return false;
    this.#unsent.add(id);
    return true;
  }

  /** The server kept the frame. False if nobody waits for that id. */
  resolve(id: string, acceptance: Acceptance): boolean {
    const waiting = this.#take(id);
    waiting?.resolve(acceptance);
    return waiting !== undefined;
  }

  /** The frame was refused or given up. False if nobody waits for that id. */
  reject(id: string, error: BifrostError): boolean {
    const waiting = this.#take(id);
    waiting?.reject(error);
    return waiting !== undefined;
  }

  /** A session ended: what isn't sent again is rejected. */
  sessionEnded(error: BifrostError): void {
    this.#window = 0;
    for (const [id, { again }] of this.#waiting) if (!again) this.reject(id, error);
  }

  /** Nothing will be sent any more. */
  rejectAll(error: BifrostError): void {
    for (const id of [...this.#waiting.keys()]) this.reject(id, error);
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      this.#unsent.delete(id);
      this.#payloadBytes -= waiting.frame.payload.length;
    }
    return waiting;
  }
}
