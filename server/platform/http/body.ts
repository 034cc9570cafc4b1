import { AppError } from '../../kernel/errors.ts';
import { BODY_BYTES_PER_SECOND_MIN, BODY_GRACE_MS, LARGE_BODY_BYTES } from './limits.ts';
import type { NativeResponse } from './uws.ts';

/** A body as its request's head announces it. */
export interface AnnouncedBody {
  /** 0 for a chunked one. */
  readonly bytes: number;
  readonly isChunked: boolean;
  /** A larger one is refused. */
  readonly bytesMax: number;
}

/** Where room for the bytes of a body is taken, and given back. */
export interface BodyRoom {
  /** False: there is none. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/**
 * The body of one request while it arrives. Until it is known who sends it, what came with the request's head is kept and the
 * connection isn't read any further; so nobody unknown fills memory. Must be made in the synchronous part of a request
 * handler, and `drop`ped before the answer goes out.
 */
export class ArrivingBody {
  readonly #native: NativeResponse;
  readonly #announced: AnnouncedBody;
  #room: BodyRoom;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #begunMs = 0;
  #state: 'held' | 'receiving' = 'held';
  #failure: AppError | null = null;
  #isComplete: boolean;
  #settle: (() => void) | null = null;

  /** What arrives before `receive` is kept in `room`. */
  constructor(native: NativeResponse, announced: AnnouncedBody, room: BodyRoom) {
    this.#native = native;
    this.#announced = announced;
    this.#room = room;
    this.#isComplete = announced.bytes === 0 && !announced.isChunked;
    // What still arrives after a refusal is read and dropped, so that the client gets to read the answer instead of a reset
    // connection.
    if (!this.#isComplete) native.onData((chunk, isLast) => this.#arrived(chunk, isLast));
  }

  /**
   * All of it, kept in this room while it arrives and, if it is large, until `turn` resolves. Refuses with `too_large`, at once where more is announced than may come;
   * with `unavailable` where there is no room; and with `invalid_input` when the client goes away or is slower than
   * `BODY_BYTES_PER_SECOND_MIN`, which cuts its connection.
   */
  async receive(room: BodyRoom, turn: () => Promise<void>): Promise<Uint8Array> {
    if (this.#state === 'held') {
      this.#state = 'receiving';
      this.#begunMs = performance.now();
      this.#moveTo(room);
    }
    if (this.#announced.bytes > this.#announced.bytesMax) this.#fail(tooLarge(this.#announced.bytesMax));
    this.#resume();
    if (!this.#isComplete && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
      });
    }
    if (this.#failure === null && this.#bytes >= LARGE_BODY_BYTES) await turn();
    if (this.#failure !== null) throw this.#failure;
    const [first = EMPTY, ...more] = this.#chunks;
    const body = more.length === 0 ? first : Buffer.concat(this.#chunks, this.#bytes);
    this.#release();
    return body;
  }

  /** Nobody wants it any more. */
  drop(): void {
    // Most requests have no body, or one that was read: the error that would be kept for them costs more than all of this.
    if (this.#isComplete && this.#bytes === 0) return;
    this.#fail(interrupted());
    this.#resume();
  }

  /** The client is gone. */
  abandon(): void {
    this.#paused = false;
    this.#fail(interrupted());
  }

  #arrived(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#failure !== null || this.#isComplete) return;
    const bytes = chunk.byteLength;
    if (this.#bytes + bytes > this.#announced.bytesMax) this.#fail(tooLarge(this.#announced.bytesMax));
    else if (!this.#room.take(bytes)) this.#fail(noRoom());
    else {
      this.#bytes += bytes;
      // The library takes the chunk's memory back after this call.
      if (bytes > 0) this.#chunks.push(new Uint8Array(chunk.slice(0)));
      if (isLast) this.#complete();
      else this.#continue();
    }
  }

  #complete(): void {
    this.#isComplete = true;
    this.#settle?.();
  }

  /** Gives the client time for more, or cuts the connection of one that is too slow; waits where nobody is known yet. */
  #continue(): void {
    if (this.#state === 'held') {
      this.#paused = true;
      this.#native.pause();
      return;
    }
    const allowedMs = BODY_GRACE_MS + (this.#bytes / BODY_BYTES_PER_SECOND_MIN) * 1000;
    if (performance.now() - this.#begunMs > allowedMs) {
      this.#native.close();
      return;
    }
    // The library wants 160 KB within 10 s; resuming begins its time limit anew.
    this.#native.pause();
    this.#native.resume();
  }

  #resume(): void {
    if (this.#paused) this.#native.resume();
    this.#paused = false;
  }

  #moveTo(room: BodyRoom): void {
    const bytes = this.#bytes;
    this.#room.give(bytes);
    this.#room = room;
    if (room.take(bytes)) return;
    this.#bytes = 0;
    this.#fail(noRoom());
  }

  #fail(failure: AppError): void {
    this.#failure ??= failure;
    this.#release();
    this.#settle?.();
  }

  #release(): void {
    this.#room.give(this.#bytes);
    this.#bytes = 0;
    this.#chunks = [];
  }
}

const EMPTY = new Uint8Array(0);

function tooLarge(bodyBytesMax: number): AppError {
  return new AppError('too_large', 'too_large', 'The body is too large.', { details: { bodyBytesMax } });
}

function noRoom(): AppError {
  return new AppError('unavailable', 'unavailable', 'Too much is being sent at the moment.');
}

function interrupted(): AppError {
  return new AppError('invalid', 'invalid_input', 'The body did not arrive.');
}
