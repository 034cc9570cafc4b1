import { FrameType } from '../../proto/index.ts';
import {
  type ActionEnd,
  type ActionReport,
  decodeActionReport,
  encodeActionCancel,
  encodeActionCredit,
  encodeActionRequest,
} from './action-messages.ts';
import { BifrostError } from './errors.ts';
import { requireUuid } from './frame-channel.ts';
import { ACTION_CREDIT, ACTION_TIMEOUT_MS, ANSWER_MARGIN_MS } from './limits.ts';
import type { Acceptance } from './outbox.ts';
import type { Clock, Random } from './ports.ts';
import type { PlainValue } from './values.ts';

/** How another device is asked. */
export interface ActOptions {
  /** A UUID. The same id asks for the same action again, which is carried out once. Absent: a new one. */
  readonly id?: string;
  /** 0 to 9, 5 by default: the highest is given to the device first. */
  readonly priority?: number;
  /** How long it may take until its end, in milliseconds: a minute, unless the caller says otherwise. */
  readonly timeoutMs?: number;
  /** Cancels the action. */
  readonly signal?: AbortSignal;
}

/**
 * An action that was asked for. Its events come to who iterates, behind one another and without a gap, the end included; those that nobody
 * has taken yet wait at the server.
 */
export interface ActionRun extends AsyncIterable<ActionReport> {
  readonly id: string;
  /**
   * How it ended, also where that is no success. Rejects where the server refuses to ask, or the client is closed, and with
   * `timed_out` where no end came within its time and some seconds.
   */
  readonly result: Promise<ActionEnd>;
  /** Ends it: its device is told to stop. Rejects with `action_over`, or `session_lost` without a connection. */
  cancel(): Promise<void>;
}

/** The way to the server. */
export interface ActionLine {
  isOpen(): boolean;
  request(frame: { type: FrameType; payload: Uint8Array }): Promise<Acceptance>;
  sendTransient(frame: { type: FrameType; payload: Uint8Array }): boolean;
}

/** Actions that this device has asked others for, until their end. */
export class AskedActions {
  readonly #line: ActionLine;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #runs = new Map<string, Run>();

  constructor(line: ActionLine, { random, clock }: { readonly random: Random; readonly clock: Clock }) {
    this.#line = line;
    this.#random = random;
    this.#clock = clock;
  }

  /** Asks another device; an action of this id that is under way is that one. Throws `invalid_input` for an id that is no UUID. */
  act(
    deviceId: string,
    name: string,
    args: Readonly<Record<string, PlainValue>>,
    options: ActOptions & { readonly causeId?: string },
  ): ActionRun {
    const id = options.id === undefined ? this.#random.uuid() : requireUuid(options.id);
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const run = new Run(
      {
        id,
        targetId: requireUuid(deviceId),
        name,
        arguments: args,
        priority: options.priority ?? 5,
        timeoutMs: options.timeoutMs ?? ACTION_TIMEOUT_MS,
        credit: ACTION_CREDIT,
        causeId: options.causeId ?? null,
      },
      this.#line,
      this.#clock,
    );
    this.#runs.set(id, run);
    const { signal } = options;
    const cancel = () => void run.cancel().catch(() => undefined);
    signal?.addEventListener('abort', cancel, { once: true });
    const done = () => {
      signal?.removeEventListener('abort', cancel);
      this.#runs.delete(id);
    };
    run.result.then(done, done);
    run.opened();
    if (signal?.aborted) cancel();
    return run;
  }

  /** A session began: what was under way goes on. */
  opened(): void {
    for (const run of this.#runs.values()) run.opened();
  }

  /** The server says what happens. Throws `PayloadError`. */
  told(payload: Uint8Array): void {
    const { id, number, report } = decodeActionReport(payload);
    if (report !== null) this.#runs.get(id)?.told(number, report);
  }

  /** Nothing will come any more. */
  closed(error: BifrostError): void {
    for (const run of this.#runs.values()) run.fail(error);
  }
}

class Run implements ActionRun {
  readonly id: string;
  readonly result: Promise<ActionEnd>;
  readonly #asked: Parameters<typeof encodeActionRequest>[0];
  readonly #line: ActionLine;
  readonly #clock: Clock;
  readonly #waiting: ActionReport[] = [];
  #settle: { resolve: (end: ActionEnd) => void; reject: (error: BifrostError) => void } | null = null;
  #state: 'asking' | 'accepted' | 'over' = 'asking';
  #isCancelled = false;
  #isRequested = false;
  #isRead = false;
  #received = 0;
  #taken = 0;
  #until = ACTION_CREDIT;
  #failure: BifrostError | null = null;
  #wake: () => void = () => undefined;

  constructor(asked: Parameters<typeof encodeActionRequest>[0], line: ActionLine, clock: Clock) {
    this.id = asked.id;
    this.#asked = asked;
    this.#line = line;
    this.#clock = clock;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Who only iterates hears of a failure there.
    this.result.catch(() => undefined);
  }

  opened(): void {
    if (!this.#line.isOpen() || this.#state === 'over') return;
    if (this.#state === 'accepted') this.#give(true);
    else void this.#ask();
  }

  told(number: number, report: ActionReport): void {
    if (this.#state === 'over' || number <= this.#received) return;
    // The server told us more than arrived.
    if (number > this.#received + 1) {
      this.#give(true);
      return;
    }
    this.#received = number;
    this.#waiting.push(report);
    if (!this.#isRead) this.#takenUpTo(number);
    if (report.kind === 'end') {
      this.#state = 'over';
      const { kind, ...end } = report;
      this.#settle?.resolve(end);
    }
    this.#wake();
  }

  fail(error: BifrostError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#failure = error;
    this.#settle?.reject(error);
    this.#wake();
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    // Where the server hasn't heard of it yet, it hears of both.
    if (this.#state === 'accepted') await this.#cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ActionReport> {
    this.#isRead = true;
    for (;;) {
      const report = this.#waiting.shift();
      if (report !== undefined) {
        this.#takenUpTo(this.#taken + 1);
        yield report;
        if (report.kind === 'end') return;
      } else if (this.#failure !== null) throw this.#failure;
      else if (this.#state === 'over') return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #ask(): Promise<void> {
    if (this.#isRequested) return;
    this.#isRequested = true;
    try {
      await this.#line.request({ type: FrameType.THOR_ACTION, payload: encodeActionRequest(this.#asked) });
      this.#accepted();
      if (this.#isCancelled) await this.#cancel().catch(() => undefined);
    } catch (error) {
      const { code } = error as BifrostError;
      // It is asked for again, under the same id, when there is a connection.
      if (code !== 'session_lost') this.fail(error as BifrostError);
    } finally {
      this.#isRequested = false;
    }
  }

  /** The server ends it in time; where nobody says so, because it is forgotten, this does. */
  #accepted(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'accepted';
    const late = new BifrostError('timed_out', 'The server did not say how the action ended.');
    const cancelTimeout = this.#clock.after(this.#asked.timeoutMs + ANSWER_MARGIN_MS, () => this.fail(late));
    this.result.then(cancelTimeout, cancelTimeout);
  }

  async #cancel(): Promise<void> {
    await this.#line.request({ type: FrameType.THOR_CANCEL, payload: encodeActionCancel(this.id) });
  }

  #takenUpTo(number: number): void {
    this.#taken = Math.max(this.#taken, number);
    if (this.#until - this.#taken <= ACTION_CREDIT / 2 && this.#state === 'accepted') this.#give(false);
  }

  #give(resume: boolean): void {
    this.#until = this.#taken + ACTION_CREDIT;
    const payload = encodeActionCredit(this.id, this.#received, this.#until, resume);
    this.#line.sendTransient({ type: FrameType.THOR_CREDIT, payload });
  }
}
