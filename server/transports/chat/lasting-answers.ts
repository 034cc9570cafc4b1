import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { keyOf as apiKeyOf } from '../../kernel/credential-scope.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { CredentialId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import {
  LASTING_BYTES_MAX,
  LASTING_BYTES_OF_ACCOUNT_MAX,
  LASTING_KEPT_MS,
  LASTING_KEPT_OF_ACCOUNT_MAX,
  LASTING_OF_ACCOUNT_MAX,
} from './limits.ts';

/** A piece of an answer. Pieces are numbered from 0. */
export interface LastingEvent<State> {
  /** As whoever follows the answer gets it; empty: nothing. */
  readonly text: string;
  /** How the answer stands from here on; not there: as before. */
  readonly state?: State;
}

/** An answer that is worked on whether or not somebody reads it. */
export interface LastingAnswer<State> {
  readonly state: State;
  readonly hasEnded: boolean;
  /** SHA-256 of what was asked, or anything else that tells it from other requests of the same name. */
  readonly fingerprint: string;
  /** The texts behind that number, -1 for all, and those to come. Refuses with `invalid_input` where they are no longer kept. */
  readBehind(number: number): AsyncIterable<string>;
  /** Ends the work on it, if it is at work. Resolves when it has ended. */
  cancel(): Promise<void>;
}

/** How an answer is begun. */
export interface LastingWork<State> {
  readonly name: string;
  readonly fingerprint: string;
  /** How it stands before its first piece. */
  readonly state: State;
  /** Does the work until its signal aborts. What it throws, its readers are told. */
  events(signal: AbortSignal): AsyncIterable<LastingEvent<State>>;
}

/**
 * Answers that outlive whoever asked for them, by the account that asked and a name; an API key finds those that it asked for itself. In memory, not over a restart: while they are at
 * work, and for an hour after it; of each account only so many, and so many bytes. Where the bytes are too many, the oldest that have
 * ended go first, then the older texts of those at work, which go on and keep their state. Where those of all accounts are too many,
 * whoever has most gives up first: nobody fills the memory of others.
 */
export class LastingAnswers<State> {
  readonly #clock: Clock;
  readonly #random: Pick<Random, 'uuid'>;
  readonly #logger: Logger;
  readonly #byName = new Map<string, Entry<State>>();
  /** Those of each account, the oldest first. */
  readonly #ofAccount = new Groups<string, Entry<State>>();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor({
    clock,
    random,
    logger,
  }: {
    readonly clock: Clock;
    readonly random: Pick<Random, 'uuid'>;
    readonly logger: Logger;
  }) {
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
  }

  /** A name that none has, and the time. */
  newId(): { readonly id: string; readonly createdAtMs: number } {
    return { id: this.#random.uuid(), createdAtMs: this.#clock.nowMs() };
  }

  /** Refuses with `rate_limited` where the account has too many at work. */
  async begin(actor: AccountActor, work: LastingWork<State>): Promise<LastingAnswer<State>> {
    const owner = ownerOf(actor);
    const others = [...this.#ofAccount.of(owner)];
    const atWork = others.filter(({ hasEnded }) => !hasEnded).length;
    if (atWork >= LASTING_OF_ACCOUNT_MAX || this.#bytes > LASTING_BYTES_MAX)
      throw new AppError('rate_limited', 'rate_limited', 'As many of your answers are at work as may be.', {
        details: { retryAfterSeconds: 5 },
      });
    const oldest = others.find(({ hasEnded }) => hasEnded);
    if (others.length >= LASTING_KEPT_OF_ACCOUNT_MAX) oldest?.onRemove();
    const key = keyOf(actor, work.name);
    const before = this.#byName.get(key);
    if (before !== undefined) this.#remove(owner, key, before);
    const entry = new Entry(work, apiKeyOf(actor), (added) => this.#grew(owner, added));
    this.#byName.set(key, entry);
    this.#ofAccount.add(owner, entry);
    entry.onRemove = () => this.#remove(owner, key, entry);
    const { name } = work;
    void entry.run().then((failure) => {
      if (failure !== null && !(failure.error instanceof AppError))
        this.#logger.error({ name, error: failure.error }, 'the work on an answer broke off');
      entry.cancelTimer = this.#clock.after(LASTING_KEPT_MS, entry.onRemove);
    });
    return entry;
  }

  /** Null: who asks has none of that name, or no more. */
  find(actor: AccountActor, name: string): LastingAnswer<State> | null {
    return this.#find(actor, name);
  }

  /** As `find`. Refuses with `response_not_found`. */
  async get(actor: AccountActor, name: string): Promise<LastingAnswer<State>> {
    const answer = this.find(actor, name);
    if (answer === null) throw notFound('response');
    return answer;
  }

  /** Forgets an answer, and ends the work on it. Refuses as `get` does. */
  async remove(actor: AccountActor, name: string): Promise<void> {
    await this.get(actor, name);
    const entry = this.#find(actor, name);
    void entry?.cancel();
    entry?.onRemove();
  }

  #find(actor: AccountActor, name: string): Entry<State> | null {
    const entry = this.#byName.get(keyOf(actor, name)) ?? null;
    const apiKey = apiKeyOf(actor);
    return apiKey === null || entry?.apiKey === apiKey ? entry : null;
  }

  #grew(owner: string, added: number): void {
    this.#count(owner, added);
    this.#shrink(owner, LASTING_BYTES_OF_ACCOUNT_MAX);
    while (this.#bytes > LASTING_BYTES_MAX) {
      const [largest, bytes] = [...this.#bytesOf].reduce((one, other) => (other[1] > one[1] ? other : one));
      this.#shrink(largest, bytes - 1);
      if ((this.#bytesOf.get(largest) ?? 0) >= bytes) return;
    }
  }

  /** Forgets of an account's answers until they have so many bytes: the oldest that have ended, then texts of those at work. */
  #shrink(owner: string, bytesMax: number): void {
    const bytes = () => this.#bytesOf.get(owner) ?? 0;
    if (bytes() <= bytesMax) return;
    const entries = [...this.#ofAccount.of(owner)];
    for (const entry of entries) {
      if (entry.hasEnded) entry.onRemove();
      if (bytes() <= bytesMax) return;
    }
    // Who reads along goes on: of each the newest stay.
    const kept = bytesMax / 2 / entries.length;
    for (const entry of entries) if (!entry.isRemoved) this.#count(owner, -entry.forgetTexts(kept));
  }

  #count(owner: string, added: number): void {
    this.#bytes += added;
    const bytes = (this.#bytesOf.get(owner) ?? 0) + added;
    if (bytes === 0) this.#bytesOf.delete(owner);
    else this.#bytesOf.set(owner, bytes);
  }

  #remove(owner: string, key: string, entry: Entry<State>): void {
    if (!this.#ofAccount.remove(owner, entry)) return;
    entry.cancelTimer();
    if (this.#byName.get(key) === entry) this.#byName.delete(key);
    this.#count(owner, -entry.bytes);
    entry.isRemoved = true;
  }
}

interface Failure {
  readonly error: unknown;
}

class Entry<State> implements LastingAnswer<State> {
  readonly fingerprint: string;
  /** What it was asked for with; null: the account itself. */
  readonly apiKey: CredentialId | null;
  state: State;
  hasEnded = false;
  /** Nobody counts it any more. */
  isRemoved = false;
  bytes = 0;
  onRemove: () => void = () => {};
  /** A timer that waits would keep the answer in memory. */
  cancelTimer: () => void = () => {};
  /** Null when it has ended: what was asked may be many times larger than the answer. */
  #work: LastingWork<State> | null;
  readonly #grew: (bytes: number) => void;
  readonly #cancelled = new AbortController();
  #texts: string[] = [];
  /** The number of the first text that is kept. */
  #first = 0;
  #stateBytes = 0;
  #run: Promise<Failure | null> = Promise.resolve(null);
  /** Why the work broke off, for whoever reads it. */
  #failure: Failure | null = null;
  #wake: (() => void)[] = [];

  constructor(work: LastingWork<State>, apiKey: CredentialId | null, grew: (bytes: number) => void) {
    this.fingerprint = work.fingerprint;
    this.apiKey = apiKey;
    this.state = work.state;
    this.#work = work;
    this.#grew = grew;
  }

  /** Why the work broke off; null: it didn't. */
  run(): Promise<Failure | null> {
    this.#run = this.#collect();
    return this.#run;
  }

  async *readBehind(number: number): AsyncGenerator<string> {
    for (let next = number + 1; ; next++) {
      while (next >= this.#first + this.#texts.length && !this.hasEnded)
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      if (next < this.#first) throw noLongerKept();
      const text = this.#texts[next - this.#first];
      if (text === undefined && this.#failure !== null) throw this.#failure.error;
      if (text === undefined) return;
      if (text !== '') yield text;
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled.abort();
    await this.#run;
  }

  /** Keeps the state, the newest text, and as many before it as have `keptBytesMax`. Returns how many bytes went. */
  forgetTexts(keptBytesMax: number): number {
    let keptBytes = 0;
    let from = this.#texts.length;
    while (from > 0) {
      const bytes = Buffer.byteLength(this.#texts[from - 1] as string);
      if (from < this.#texts.length && keptBytes + bytes > keptBytesMax) break;
      keptBytes += bytes;
      from--;
    }
    this.#first += from;
    this.#texts.splice(0, from);
    const gone = Math.max(0, this.bytes - this.#stateBytes - keptBytes);
    this.bytes -= gone;
    return gone;
  }

  async #collect(): Promise<Failure | null> {
    try {
      const events = this.#work?.events(this.#cancelled.signal) ?? [];
      for await (const { text, state } of events) {
        const bytes = Buffer.byteLength(text);
        if (state !== undefined) {
          this.state = state;
          // A text that comes with a state has it in it.
          this.#stateBytes = bytes;
        }
        this.#texts.push(text);
        this.bytes += bytes;
        this.#tell();
        if (!this.isRemoved) this.#grew(bytes);
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.hasEnded = true;
      this.#work = null;
      this.#tell();
    }
    return this.#failure;
  }

  #tell(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

/** Another account's is like one that never was: who asks is part of what an answer is found by. */
function ownerOf({ tenantId, accountId }: AccountActor): string {
  return `${tenantId} ${accountId}`;
}

function keyOf(actor: AccountActor, name: string): string {
  return `${ownerOf(actor)} ${name}`;
}

function noLongerKept(): AppError {
  return invalidInput('This part of the answer is no longer kept.');
}
