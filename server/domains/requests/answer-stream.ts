import type { Clock } from '../../kernel/clock.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { type CompletionDelta, deltaText, itemsOf } from '../providers/index.ts';
import { AnswerBeginning } from './answer-beginning.ts';
import { MergedDelta } from './merged-delta.ts';
import type { ComputeEvent } from './types.ts';

/** What an answer's stream tells its request. */
export interface AnswerStreamListener {
  /** The reader took this many bytes: the provider may send as many more. */
  read(bytes: number): void;
  /** The reader left too much unread for too long. */
  readerStalled(): void;
  /** Nothing of it is in memory any more that only its reader needs. */
  emptied(): void;
}

/** How an answer is given. */
export interface AnswerStreamOptions {
  /** True: in one piece, at its end. */
  readonly isWhole: boolean;
  /** Above as many unread bytes a reader must read on within `stallTimeoutMs`; after the end, at all. */
  readonly unreadBytesMax: number;
  readonly stallTimeoutMs: number;
}

/**
 * An answer between its provider and its reader. Deltas wait here until they are read; the text of all of them stays until
 * the request has ended, because it is counted whole, and another provider may go on with it.
 */
export class AnswerStream {
  readonly #clock: Clock;
  readonly #options: AnswerStreamOptions;
  readonly #listener: AnswerStreamListener;
  #beginning = new AnswerBeginning();
  /** Of the part that is being delivered, by which of several answers it is. */
  #texts = new Map<JsonValue | undefined, string[]>();
  #hasText = false;
  #merged = new MergedDelta();
  #waiting: { readonly event: ComputeEvent; readonly bytes: number }[] = [];
  #unreadBytes = 0;
  #isDiscarded = false;
  #isEnded = false;
  #wakeReader: (() => void) | null = null;
  #cancelStall: (() => void) | null = null;

  constructor(
    options: AnswerStreamOptions,
    dependencies: { readonly clock: Clock; readonly listener: AnswerStreamListener },
  ) {
    this.#options = options;
    this.#clock = dependencies.clock;
    this.#listener = dependencies.listener;
  }

  /** True when something was delivered that costs tokens. */
  get hasText(): boolean {
    return this.#hasText;
  }

  /** All text that costs tokens, since the last `beginPart`: of each of several answers. */
  get partTexts(): string[] {
    return [...this.#texts.values()].map((texts) => texts.join(''));
  }

  /** What another provider could go on with; null: that can't be done with this answer. */
  get beginning(): string | null {
    return this.#beginning.text;
  }

  /** Bytes that came and were not read yet. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** From here on another provider delivers. */
  beginPart(): void {
    this.#texts = new Map();
  }

  /** All deltas as one. */
  get fields(): JsonObject {
    return this.#merged.fields;
  }

  /** Nothing was delivered: only for an answer in one piece. */
  beginAnew(): void {
    this.beginPart();
    this.#hasText = false;
    this.#beginning = new AnswerBeginning();
    this.#merged = new MergedDelta();
  }

  /** Takes a delta in. */
  push({ fields, text, bytes }: CompletionDelta, keepsFields: boolean): void {
    if (text !== '') {
      this.#addText(fields, text);
      this.#hasText = true;
    }
    this.#beginning.add(fields);
    const { isWhole } = this.#options;
    if (keepsFields || isWhole) this.#merged.add(fields);
    if (this.#isDiscarded || isWhole) {
      this.#listener.read(bytes);
      return;
    }
    this.#unreadBytes += bytes;
    this.#waiting.push({ event: { kind: 'delta', fields }, bytes });
    this.watchReader();
    this.#wakeReader?.();
  }

  #addText(fields: JsonObject, text: string): void {
    const others = itemsOf(fields);
    const own = others.length === 0 ? text : deltaText({ ...fields, choices: null });
    const all = [
      [0, own] as const,
      ...others.map((item) => [item.index, deltaText({ choices: [item] })] as const),
    ];
    for (const [choice, said] of all) {
      const texts = this.#texts.get(choice);
      if (texts !== undefined) texts.push(said);
      else if (said !== '') this.#texts.set(choice, [said]);
    }
  }

  /** The last event. */
  end(event: ComputeEvent): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (!this.#isDiscarded) {
      const { fields } = this;
      if (this.#options.isWhole && event.kind === 'end' && Object.keys(fields).length > 0)
        this.#waiting.push({ event: { kind: 'delta', fields }, bytes: 0 });
      this.#waiting.push({ event, bytes: 0 });
    }
    this.watchReader();
    this.#wakeReader?.();
    this.#tellIfEmptied();
  }

  /** Nobody reads any more: what comes is taken as read. */
  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    const bytes = this.#unreadBytes;
    this.#waiting = [];
    this.#unreadBytes = 0;
    this.#stopWatching();
    this.#wakeReader?.();
    if (!this.#isEnded) this.#listener.read(bytes);
    this.#tellIfEmptied();
  }

  /** From now on a reader that is behind must read on in time, where nobody waits for it already. */
  watchReader(): void {
    const isBehind =
      this.#unreadBytes > this.#options.unreadBytesMax || (this.#isEnded && this.#waiting.length > 0);
    if (!isBehind || this.#cancelStall !== null || this.#isDiscarded) return;
    this.#cancelStall = this.#clock.after(this.#options.stallTimeoutMs, () => {
      this.#cancelStall = null;
      if (this.#isEnded) this.discard();
      else this.#listener.readerStalled();
    });
  }

  /** The events for the one reader. Who stops early discards the rest. */
  async *events(): AsyncGenerator<ComputeEvent> {
    try {
      for (let event = await this.#next(); event !== null; event = await this.#next()) yield event;
    } finally {
      this.discard();
    }
  }

  async #next(): Promise<ComputeEvent | null> {
    for (;;) {
      const first = this.#waiting.shift();
      if (first !== undefined) {
        this.#tookFromQueue(first.bytes);
        return first.event;
      }
      if (this.#isEnded || this.#isDiscarded) return null;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = null;
    }
  }

  #tookFromQueue(bytes: number): void {
    this.#unreadBytes -= bytes;
    this.#stopWatching();
    this.watchReader();
    if (bytes > 0 && !this.#isEnded) this.#listener.read(bytes);
    this.#tellIfEmptied();
  }

  #tellIfEmptied(): void {
    if (this.#isEnded && this.#waiting.length === 0) {
      this.#stopWatching();
      this.#listener.emptied();
    }
  }

  #stopWatching(): void {
    this.#cancelStall?.();
    this.#cancelStall = null;
  }
}
