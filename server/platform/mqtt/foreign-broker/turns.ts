/** How much is done at the same time. */
export interface TurnLimits {
  readonly atWorkMax: number;
  /** Of one speaker. */
  readonly atWorkOfOneMax: number;
}

interface Line {
  readonly waiting: (() => Promise<void>)[];
  atWork: number;
}

/**
 * Work of many speakers that comes in one line, done in turn: who says much, or what takes long, waits behind itself and behind nobody else.
 * What one speaker says begins in its order.
 */
export class SpeakerTurns {
  readonly #limits: TurnLimits;
  readonly #lines = new Map<string, Line>();
  /** Speakers with something to begin and room for it, in the order of their turns. */
  readonly #ready = new Set<string>();
  #atWork = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Does the work when it is the speaker's turn. Settles as the work does. */
  run(speaker: string, work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(speaker) ?? { waiting: [], atWork: 0 };
      this.#lines.set(speaker, line);
      line.waiting.push(async () => await work().then(resolve, reject));
      this.#mark(speaker, line);
      this.#begin();
    });
  }

  #mark(speaker: string, line: Line): void {
    if (line.waiting.length > 0 && line.atWork < this.#limits.atWorkOfOneMax) this.#ready.add(speaker);
    if (line.waiting.length === 0 && line.atWork === 0) this.#lines.delete(speaker);
  }

  #begin(): void {
    for (const speaker of this.#ready) {
      if (this.#atWork >= this.#limits.atWorkMax) return;
      this.#ready.delete(speaker);
      const line = this.#lines.get(speaker) as Line;
      const work = line.waiting.shift() as Line['waiting'][number];
      line.atWork++;
      this.#atWork++;
      // A speaker that may begin more stands behind the others now; a loop over a set comes to it again.
      this.#mark(speaker, line);
      void work().finally(() => {
        line.atWork--;
        this.#atWork--;
        this.#mark(speaker, line);
        this.#begin();
      });
    }
  }
}
