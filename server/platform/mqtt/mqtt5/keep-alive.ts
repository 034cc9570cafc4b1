import type { PacketGate } from '../packet-gate.ts';

/** Sees that a client is heard of within one and a half of its keep-alive [MQTT-3.1.2-22]. */
export class KeepAlive {
  readonly #gate: PacketGate;
  readonly #isOver: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(gate: PacketGate, isOver: () => void) {
    this.#gate = gate;
    this.#isOver = isOver;
  }

  /** 0 seconds is for ever. */
  begin(seconds: number): void {
    if (seconds > 0) this.#wait(seconds * 1_500, seconds * 1_500);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(delayMs: number, limitMs: number): void {
    this.#timer = setTimeout(() => {
      const leftMs = this.#gate.heardAtMs + limitMs - Date.now();
      if (leftMs > 0) this.#wait(leftMs, limitMs);
      else this.#isOver();
    }, delayMs).unref();
  }
}
