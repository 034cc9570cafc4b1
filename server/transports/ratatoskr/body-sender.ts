import { PIECE_BYTES_MAX } from '../../../proto/ratatoskr/index.ts';
import { BODY_WINDOW_BYTES } from './limits.ts';

interface WaitingBody {
  readonly requestId: string;
  readonly body: Uint8Array;
  sentBytes: number;
}

/**
 * Sends what didn't fit into COMPUTE_REQUESTs to one provider, one body after the other, and never more than it has taken in
 * already and `BODY_WINDOW_BYTES`.
 */
export class BodySender {
  readonly #send: (requestId: string, data: Uint8Array) => boolean;
  #waiting: WaitingBody[] = [];
  #unconfirmedBytes = 0;

  /** `send` false: nothing was sent; it is tried again with the provider's next credit. */
  constructor(send: (requestId: string, data: Uint8Array) => boolean) {
    this.#send = send;
  }

  /** Sends the rest of a body from `sentBytes` on, as soon as it can. */
  add(requestId: string, body: Uint8Array, sentBytes: number): void {
    if (sentBytes >= body.length) return;
    this.#waiting.push({ requestId, body, sentBytes });
    this.#sendWaiting();
  }

  /** The provider took in `bytes`. False: it was never sent as many. */
  taken(bytes: number): boolean {
    if (bytes > this.#unconfirmedBytes) return false;
    this.#unconfirmedBytes -= bytes;
    this.#sendWaiting();
    return true;
  }

  /** Nothing more of this body is needed. */
  drop(requestId: string): void {
    this.#waiting = this.#waiting.filter((body) => body.requestId !== requestId);
  }

  #sendWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const room = Math.min(PIECE_BYTES_MAX, BODY_WINDOW_BYTES - this.#unconfirmedBytes);
      const data = next.body.subarray(next.sentBytes, next.sentBytes + room);
      if (room <= 0 || !this.#send(next.requestId, data)) return;
      next.sentBytes += data.length;
      this.#unconfirmedBytes += data.length;
      if (next.sentBytes >= next.body.length) this.#waiting.shift();
    }
  }
}
