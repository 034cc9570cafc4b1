import { BifrostError } from './errors.ts';
import type { OutgoingFrame } from './frame-channel.ts';
import { OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX } from './limits.ts';

/** What the server answered to a frame that it accepted. */
export interface Acceptance {
  /** Position in the network's stream; 0 for what isn't stored. */
  readonly offset: number;
}

interface Waiting {
  readonly frame: OutgoingFrame;
  /** Sent again in the next session, or given up with this one. */
  readonly again: boolean;
  readonly resolve: (acceptance: Acceptance) => void;
  readonly reject: (error: BifrostError) => void;
}

/** Frames whose answer (ACK or ERROR) is still to come, in the order in which they were given. */
export class Outbox {
  readonly #waiting = new Map<string, Waiting>();
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
    return new Promise((resolve, reject) => this.#waiting.set(id, { frame, again, resolve, reject }));
  }

  /** What a new session has to send, oldest first. */
  *unsettled(): Iterable<{ id: string; frame: OutgoingFrame }> {
    for (const [id, { frame }] of this.#waiting) yield { id, frame };
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
      this.#payloadBytes -= waiting.frame.payload.length;
    }
    return waiting;
  }
}
