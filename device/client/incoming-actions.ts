import type { ErrorCodeName } from '../../proto/index.ts';
import {
  ACTION_COMMAND,
  type ActionEnd,
  type ActionReport,
  decodeAction,
  decodeActionCancel,
  encodeActionReport,
  LAST_REPORT,
  type RequestedAction,
} from './action-messages.ts';
import type { ActionRun, ActOptions } from './asked-actions.ts';
import { BifrostError } from './errors.ts';
import { ACTION_RETRY_MS, ACTIONS_KNOWN_MAX, ACTIONS_QUEUED_MAX } from './limits.ts';
import type { Clock } from './ports.ts';
import type { PlainValue } from './values.ts';

/** An action that this device carries out. */
export interface IncomingAction extends RequestedAction {
  /** Aborted when nobody wants it any more: it was cancelled, its time is over, or the client is closed. */
  readonly signal: AbortSignal;
  /** Says how far it is: 0 to 1, or null. Of steps that follow faster than they are sent the last one counts. */
  progress(fraction: number | null, text?: string): void;
  /** Sends a part of the result, 16 KiB at most. Resolves when the server has kept it: who waits for that sends as fast as it is taken. */
  send(chunk: Uint8Array): Promise<void>;
  /** Asks another device in the course of this action. */
  act(
    deviceId: string,
    name: string,
    args?: Readonly<Record<string, PlainValue>>,
    options?: ActOptions,
  ): ActionRun;
}

/** Carries an action out. What it gives are the values of its result; an `ActionFailure` that it throws says why there are none. */
export type ActionHandler = (
  action: IncomingAction,
) =>
  | Promise<Readonly<Record<string, PlainValue>> | undefined>
  | Readonly<Record<string, PlainValue>>
  | undefined;

/** How a handler refuses an action, or says that it failed. */
export class ActionFailure extends Error {
  readonly code: ErrorCodeName;
  /** `refused`: it was not begun. */
  readonly outcome: 'failed' | 'refused';

  constructor(code: ErrorCodeName, message: string, outcome: 'failed' | 'refused' = 'failed') {
    super(message);
    this.name = 'ActionFailure';
    this.code = code;
    this.outcome = outcome;
  }
}

/** Who may ask. */
export interface ActionHandlerOptions {
  /** False: that device (null: a user) is refused, whatever the server allows. */
  readonly allows?: (sourceId: string | null) => boolean;
}

interface Handling extends ActionHandlerOptions {
  readonly handler: ActionHandler;
}

/** What the actions of a device need. */
export interface IncomingDependencies {
  /** Sends a STORED frame; resolves when the server has taken it. */
  readonly report: (payload: Uint8Array) => Promise<unknown>;
  readonly act: (
    deviceId: string,
    name: string,
    args: Readonly<Record<string, PlainValue>>,
    options: ActOptions & { readonly causeId: string },
  ) => ActionRun;
  readonly clock: Clock;
}

/** Actions that others ask of this device: a queue by priority, carried out one after the other, each once. */
export class IncomingActions {
  readonly #dependencies: IncomingDependencies;
  readonly #handlers = new Map<string, Handling>();
  /** Those that were asked for, the last ones: none is carried out twice. */
  readonly #known = new Map<string, Job>();
  #queue: Job[] = [];
  #running: Job | null = null;
  #sessions = 0;
  #isClosed = false;

  constructor(dependencies: IncomingDependencies) {
    this.#dependencies = dependencies;
  }

  /** What is listed among the device's commands. */
  get commandNames(): readonly string[] {
    return this.#handlers.size === 0 ? [] : [ACTION_COMMAND, ...this.#handlers.keys()];
  }

  /** Carries out actions of this name. Returns what takes the handler away. */
  on(name: string, handler: ActionHandler, options: ActionHandlerOptions): () => void {
    const handling = { handler, ...options };
    this.#handlers.set(name, handling);
    return () => {
      if (this.#handlers.get(name) === handling) this.#handlers.delete(name);
    };
  }

  /** A session began. */
  opened(): void {
    this.#sessions++;
  }

  /** The device is asked. Throws `PayloadError`. */
  asked(payload: Uint8Array): void {
    const action = decodeAction(payload);
    if (this.#known.has(action.id) || this.#isClosed) return;
    const job = new Job(action, this.#dependencies);
    this.#remember(job);
    const handling = this.#handlers.get(action.name);
    // Given to an earlier run of this program, which may have begun it.
    if (action.again && this.#sessions <= 1) job.end(UNKNOWN);
    else if (handling === undefined) job.end(refusal('command_unknown', 'The device has no such action.'));
    else if (handling.allows?.(action.sourceId) === false) {
      job.end(refusal('forbidden', 'The device does not do that for you.'));
    } else if (this.#queue.length >= ACTIONS_QUEUED_MAX) {
      job.end(refusal('limit_reached', 'As many actions wait as may.'));
    } else {
      this.#queue.push(job);
      void this.#next();
    }
  }

  /** Nobody wants an action any more. Throws `PayloadError`. */
  cancelled(payload: Uint8Array): void {
    const id = decodeActionCancel(payload);
    this.#known.get(id)?.stop();
    this.#queue = this.#queue.filter((job) => job.action.id !== id);
  }

  /** The client was closed. */
  closed(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#running?.stop();
  }

  async #next(): Promise<void> {
    if (this.#running !== null) return;
    const job = this.#queue.reduce<Job | null>(
      (first, each) => (first === null || each.action.priority > first.action.priority ? each : first),
      null,
    );
    if (job === null) return;
    this.#queue = this.#queue.filter((each) => each !== job);
    this.#running = job;
    await job.run(this.#handlers.get(job.action.name)?.handler ?? null);
    this.#running = null;
    void this.#next();
  }

  #remember(job: Job): void {
    this.#known.set(job.action.id, job);
    for (const [id, { isOver }] of this.#known) {
      if (this.#known.size <= ACTIONS_KNOWN_MAX) return;
      if (isOver) this.#known.delete(id);
    }
  }
}

const UNKNOWN: ActionEnd = {
  outcome: 'unknown',
  error: {
    code: 'command_outcome_unknown',
    message: 'The device began anew meanwhile. It may have been done, or not.',
  },
  values: {},
};
const refusal = (code: ErrorCodeName, message: string): ActionEnd => ({
  outcome: 'refused',
  error: { code, message },
  values: {},
});

/** Codes of the server after which the same report is sent again. */
const PASSING: ReadonlySet<string> = new Set([
  'unavailable',
  'internal',
  'rate_limited',
  'storage_full',
  'action_out_of_order',
]);

/** One action: what its handler says goes out in its order, one report after the other. */
class Job {
  readonly action: RequestedAction;
  readonly #dependencies: IncomingDependencies;
  readonly #controller = new AbortController();
  #last = 0;
  #sent: Promise<unknown> = Promise.resolve();
  #step: { fraction: number | null; text: string } | null = null;
  isOver = false;

  constructor(action: RequestedAction, dependencies: IncomingDependencies) {
    this.action = action;
    this.#dependencies = dependencies;
  }

  stop(): void {
    this.isOver = true;
    this.#controller.abort();
  }

  /** The last report. It may be the only one, of a device that doesn't know those before. */
  end(end: ActionEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#report({ kind: 'end', ...end }, end.outcome === 'unknown' ? LAST_REPORT : null).catch(
      () => undefined,
    );
  }

  async run(handler: ActionHandler | null): Promise<void> {
    if (this.isOver) return;
    const { timeoutMs } = this.action;
    const cancelTimeout = this.#dependencies.clock.after(timeoutMs, () => this.stop());
    try {
      if (handler === null)
        throw new ActionFailure('command_unknown', 'The device has no such action.', 'refused');
      this.#report({ kind: 'begun' }).catch(() => undefined);
      const values = (await handler(this.#incoming())) ?? {};
      this.end({ outcome: 'done', error: null, values });
    } catch (error) {
      this.end(endOf(error));
    } finally {
      cancelTimeout();
    }
  }

  #incoming(): IncomingAction {
    const { act } = this.#dependencies;
    return {
      ...this.action,
      signal: this.#controller.signal,
      progress: (fraction, text = '') => this.#progress({ fraction, text }),
      send: (chunk) => this.#report({ kind: 'chunk', content: chunk.slice() }),
      act: (deviceId, name, args = {}, options = {}) =>
        act(deviceId, name, args, { ...options, causeId: this.action.id }),
    };
  }

  #progress(step: { fraction: number | null; text: string }): void {
    const isWaiting = this.#step !== null;
    this.#step = step;
    if (isWaiting || this.isOver) return;
    // Read when its turn comes: then the last step is said.
    this.#report(() => {
      const last = this.#step ?? step;
      this.#step = null;
      return { kind: 'progress', ...last };
    }).catch(() => undefined);
  }

  /** Sends a report behind those before it. Rejects where nobody wants it any more. */
  #report(report: ActionReport | (() => ActionReport), number: number | null = null): Promise<void> {
    const sent = this.#sent.then(() => this.#send(typeof report === 'function' ? report() : report, number));
    this.#sent = sent.catch(() => undefined);
    return sent;
  }

  async #send(report: ActionReport, given: number | null): Promise<void> {
    if (this.#controller.signal.aborted)
      throw new BifrostError('aborted', 'Nobody wants the action any more.');
    const number = given ?? ++this.#last;
    const payload = encodeActionReport(this.action.id, number, report);
    for (;;) {
      try {
        await this.#dependencies.report(payload);
        return;
      } catch (error) {
        if (!PASSING.has((error as BifrostError).code)) {
          // It has ended, or is forgotten: what its handler does is for nobody.
          this.stop();
          throw error;
        }
        await new Promise<void>((resolve) => this.#dependencies.clock.after(ACTION_RETRY_MS, resolve));
      }
    }
  }
}

function endOf(error: unknown): ActionEnd {
  if (error instanceof ActionFailure) {
    const { code, message, outcome } = error;
    return { outcome, error: { code, message }, values: {} };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { outcome: 'failed', error: { code: 'command_failed', message }, values: {} };
}
