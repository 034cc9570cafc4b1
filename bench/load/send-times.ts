/** When the messages of a lane were sent, oldest first: they arrive in this order. */
export class SendTimes {
  readonly #sentAtMs: number[] = [];
  #oldest = 0;
  #unknown = 0;

  /** Messages that arrived though nothing was under way: repeated, or of an earlier run. They have no time. */
  get unknown(): number {
    return this.#unknown;
  }

  sent(count: number, nowMs: number): void {
    for (let i = 0; i < count; i++) this.#sentAtMs.push(nowMs);
  }

  /** How long each of so many messages took that arrive now, of those that were sent. */
  received(count: number, nowMs: number): number[] {
    const tookMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const sentAtMs = this.#sentAtMs[this.#oldest];
      if (sentAtMs === undefined) {
        this.#unknown++;
        continue;
      }
      this.#oldest++;
      tookMs.push(nowMs - sentAtMs);
    }
    return tookMs;
  }
}
