/** The story on the terminal: numbered steps, and what happened in each. */
export class Progress {
  readonly #print: (line: string) => void;
  #steps = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** A part of the story. */
  chapter(title: string): void {
    this.#print(`\n${title}`);
  }

  /** The next step begins. */
  step(text: string): void {
    this.#steps++;
    this.#print(`${String(this.#steps).padStart(2)}. ${text}`);
  }

  /** Something happened within the step. */
  detail(text: string): void {
    this.#print(`      ${text}`);
  }
}
