/** An answer of the server: what HTTP would give, piece by piece where it is long or goes on. */
export interface SessionAnswer {
  readonly status: number;
  readonly contentType: string;
  /** When to try again, in seconds; 0: nothing is said about it. */
  readonly retryAfterSeconds: number;
  /** Names the request in the server's log and audit. */
  readonly requestId: string;
  /** The body. Read once; who stops reading wants no more of it. */
  readonly body: AnswerBody;
}

/** What reading an answer tells the session. */
interface Reader {
  /** So many bytes were taken. */
  taken(bytes: number): void;
  /** No more of it is wanted. */
  cancel(): void;
}

/** The body of an answer while it comes in: what is not read yet waits, which the server's window bounds. */
export class AnswerBody implements AsyncIterable<Uint8Array> {
  readonly #reader: Reader;
  readonly #waiting: Uint8Array[] = [];
  #isComplete = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  get isComplete(): boolean {
    return this.#isComplete || this.#failure !== null;
  }

  add(data: Uint8Array): void {
    if (data.length > 0) this.#waiting.push(data);
    this.#wake();
  }

  complete(): void {
    this.#isComplete = true;
    this.#wake();
  }

  /** Nothing more comes: who reads learns why, behind what has come. */
  fail(error: Error): void {
    if (!this.isComplete) this.#failure = error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          if (!this.isComplete) this.#reader.taken(next.length);
          yield next;
        } else if (this.#failure !== null) throw this.#failure;
        else if (this.#isComplete) return;
        else await this.#more();
      }
    } finally {
      this.cancel();
    }
  }

  /** No more of it is wanted. */
  cancel(): void {
    if (!this.isComplete) this.#reader.cancel();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The whole body as text. */
export async function readText({ body }: SessionAnswer): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}
