/** A message of a WebSocket, with bytes of its own. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/** How much may wait. */
export interface WaitingLimits {
  readonly framesMax: number;
  readonly bytesMax: number;
}

/** What a device said before it can be listened to, in order and bounded. */
export class WaitingMessages {
  #messages: Message[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Keeps a copy. False: too much waits. */
  add(bytes: Uint8Array, isBinary: boolean, { framesMax, bytesMax }: WaitingLimits): boolean {
    if (this.#messages.length >= framesMax || this.#bytes + bytes.length > bytesMax) return false;
    this.#bytes += bytes.length;
    this.#messages.push({ bytes: bytes.slice(), isBinary });
    return true;
  }

  /** The oldest message, taken out. */
  next(): Message | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.bytes.length;
    return message;
  }

  /** Forgets all. */
  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
