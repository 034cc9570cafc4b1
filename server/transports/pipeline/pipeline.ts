import type { AbuseService } from '../../domains/abuse/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type AppError, InvariantError } from '../../kernel/errors.ts';
import { type Access, type CallerOf, defineOperation, type Operation } from '../../kernel/operation.ts';
import { toAppError } from '../error-table.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { Limiter } from './limiter.ts';
import type { RateState, Rates } from './rates.ts';
import { type Connection, createSteps, type Steps } from './steps.ts';

export type { Connection };

/** Where a call comes from, and how to find out from whom. */
export interface Caller extends Connection {
  /** Whose credential it is; null: nobody's, or there is none. Not called for public operations. */
  identify(): Promise<Actor | null>;
  /** The credential, once it was asked for, to tell a wrong one that comes again from another guess; null: none was shown. */
  shown?(): string | null;
  /** What it is about as it was asked, to tell the same question from another; null: nobody can say. */
  asked?(): string | null;
  /** Told of the limit of which the least is left, where the transport can say so. */
  rated?(state: RateState): void;
}

/** What a call came to. */
export interface Outcome<Input, Answer> {
  readonly operation: Operation;
  readonly input: Input;
  readonly actor: Actor | null;
  /** What was thrown; null: nothing. */
  readonly failure: unknown;
  readonly answer: Answer;
  readonly durationMs: number;
}

/** What a transport does with the values that come and go: the two ends of the pipeline. */
export interface Border<Input, Value, Answer> {
  /** The answer to what the service gave. */
  encode(value: Value, input: Input): Answer;
  /** The answer to a refusal. */
  refuse(error: AppError, input: Input): Answer;
  /** Where an answer goes on after it was given, as a stream does: resolves at its end. Null: it is complete. */
  lasts?(answer: Answer, input: Input): Promise<void> | null;
  /** Metrics, and one line in the log. */
  observe(outcome: Outcome<Input, Answer>): void;
}

/** What an operation is for: called with who asks, it does it. Decodes its input, so that nobody is decoded for in vain. */
export type Service<A extends Access, Input, Value> = (
  actor: CallerOf<A>,
  input: Input,
) => Value | Promise<Value>;

/** An operation whose steps are made, for requests that each bring a credential. */
export type Call<Input, Answer> = (caller: Caller, input: Input) => Promise<Answer>;

/**
 * The same for connections, which said who they are when they began. Calls the service in the same turn, gives its value,
 * and throws or rejects with what is refused: frames come by thousands, and a session answers them itself.
 */
export type CallOnConnection<Input, Value> = (
  actor: Actor,
  input: Input,
  connection: Connection,
) => Value | Promise<Value>;

/** The one way from a transport to a service. */
export interface Pipeline {
  /** Every operation that was given steps, in that order. */
  readonly catalogue: readonly Operation[];
  /**
   * Makes the steps of an operation: authenticate, authorize, limit, audit, service, encode, observe. Refuses with
   * `unauthenticated`, `forbidden`, `api_key_scope`, `rate_limited`. Throws InvariantError for two operations of one name.
   */
  serve<A extends Access, Input, Value, Answer>(
    operation: Operation<A>,
    service: Service<A, Input, Value>,
    border: Border<Input, Value, Answer>,
  ): Call<Input, Answer>;
  /** The steps of a public operation that the audit doesn't note, for what is answered in this turn. */
  serveAtOnce<Input, Value, Answer>(
    operation: Operation & { readonly access: 'public'; readonly audit: 'none' },
    service: (input: Input) => Value,
    border: Border<Input, Value, Answer>,
  ): (caller: Caller, input: Input) => Answer;
  /** The same steps where the actor is known already. */
  serveConnection<A extends Access, Input, Value>(
    operation: Operation<A>,
    service: Service<A, Input, Value>,
  ): CallOnConnection<Input, Value>;
  /** The same for a question that is answered in this turn. */
  serveConnectionNow<A extends Access, Input, Value>(
    operation: Operation<A> & { readonly audit: 'none' | 'refusals' },
    service: (actor: CallerOf<A>, input: Input) => Value,
  ): (actor: Actor, input: Input, connection: Connection) => Value;
}

/** What a pipeline needs. */
export interface PipelineDependencies {
  readonly limiter: Limiter;
  readonly rates: Rates;
  readonly audit: Audit;
  readonly abuse: Pick<AbuseService, 'requireAllowed' | 'guessed' | 'refused'>;
  readonly clock: Clock;
  /** A call was refused, for metrics. */
  readonly refused: (operation: string, code: AppError['code']) => void;
}

/** Builds the pipeline; operations join it once, when their transport is built. */
export function createPipeline(dependencies: PipelineDependencies): Pipeline {
  const catalogue: Operation[] = [];
  const register = (operation: Operation) => {
    if (catalogue.some((known) => known.operation === operation.operation)) {
      throw new InvariantError(`two operations are called ${operation.operation}`);
    }
    catalogue.push(defineOperation(operation));
    return createSteps(operation, dependencies);
  };
  return {
    catalogue,
    serve: (operation, service, border) =>
      callOf(operation, register(operation), service, border, dependencies),
    serveAtOnce: (operation, service, border) =>
      callAtOnceOf(operation, register(operation), service, border, dependencies),
    serveConnection: (operation, service) =>
      callOnConnectionOf(register(operation), service, watchOf(operation, dependencies)),
    serveConnectionNow: (operation, service) =>
      callNowOf(register(operation), service, watchOf(operation, dependencies)),
  };
}

function callOf<A extends Access, Input, Value, Answer>(
  operation: Operation<A>,
  steps: Steps,
  service: Service<A, Input, Value>,
  border: Border<Input, Value, Answer>,
  { clock, rates, abuse }: PipelineDependencies,
): Call<Input, Answer> {
  const perform = async (actor: Actor | null, caller: Caller, input: Input): Promise<Answer> => {
    steps.admit(actor, caller);
    let lasting: Promise<void> | null = null;
    try {
      const entry = steps.begin(actor, caller);
      let answer: Answer;
      try {
        // `admit` has asked for the permission, whose holders this type names.
        const work = () => service(actor as CallerOf<A>, input);
        answer = border.encode(await (entry === null ? work() : entry.run(work)), input);
      } catch (error) {
        await entry?.end(toAppError(error).code);
        throw error;
      }
      lasting = border.lasts?.(answer, input) ?? null;
      await entry?.end(null);
      return answer;
    } finally {
      const leave = () => steps.leave(actor, caller.remoteAddress);
      if (lasting === null) leave();
      else lasting.then(leave, leave);
    }
  };
  return async (caller, input) => {
    const startedMs = clock.monotonicMs();
    let actor: Actor | null = null;
    let failure: unknown = null;
    let answer: Answer;
    try {
      if (operation.access !== 'public') actor = await authenticate(steps, caller, { rates, abuse });
      abuse.requireAllowed({ operation, actor, remoteAddress: caller.remoteAddress });
      const rate = rates.countRequest(operation.operation, actor, caller);
      if (rate !== null) caller.rated?.(rate);
      answer = await perform(actor, caller, input);
    } catch (cause) {
      failure = cause;
      const error = steps.refused(cause);
      const { remoteAddress } = caller;
      abuse.refused({ operation, actor, remoteAddress, error, asked: caller.asked?.() ?? null });
      answer = border.refuse(error, input);
    }
    const durationMs = clock.monotonicMs() - startedMs;
    border.observe({ operation, input, actor, failure, answer, durationMs });
    return answer;
  };
}

function callAtOnceOf<Input, Value, Answer>(
  operation: Operation,
  steps: Steps,
  service: (input: Input) => Value,
  border: Border<Input, Value, Answer>,
  { clock, rates, abuse }: PipelineDependencies,
): (caller: Caller, input: Input) => Answer {
  return (caller, input) => {
    const startedMs = clock.monotonicMs();
    const { remoteAddress } = caller;
    let failure: unknown = null;
    let answer: Answer;
    try {
      abuse.requireAllowed({ operation, actor: null, remoteAddress });
      const rate = rates.countRequest(operation.operation, null, caller);
      if (rate !== null) caller.rated?.(rate);
      steps.admit(null, caller);
      try {
        answer = border.encode(service(input), input);
      } finally {
        steps.leave(null, remoteAddress);
      }
    } catch (cause) {
      failure = cause;
      const error = steps.refused(cause);
      abuse.refused({ operation, actor: null, remoteAddress, error, asked: caller.asked?.() ?? null });
      answer = border.refuse(error, input);
    }
    const durationMs = clock.monotonicMs() - startedMs;
    border.observe({ operation, input, actor: null, failure, answer, durationMs });
    return answer;
  };
}

/**
 * Who calls. Every credential is looked at, so that nobody's is refused for what others try from the same address; what from there
 * isn't anybody's is told less, where too much came.
 */
async function authenticate(
  steps: Steps,
  caller: Caller,
  { rates, abuse }: Pick<PipelineDependencies, 'rates' | 'abuse'>,
): Promise<Actor> {
  try {
    return await steps.authenticate(caller);
  } catch (error) {
    const { kind, details } = toAppError(error);
    if (kind !== 'unauthenticated') throw error;
    // It was somebody's once: nobody tries it to find what others have.
    if (details?.isOver === true) throw rates.countGuess(caller) ?? error;
    throw abuse.guessed(caller.remoteAddress, caller.shown?.() ?? null) ?? rates.countGuess(caller) ?? error;
  }
}

function callOnConnectionOf<A extends Access, Input, Value>(
  steps: Steps,
  service: Service<A, Input, Value>,
  { admit, refused }: Watch,
): CallOnConnection<Input, Value> {
  const end = (
    actor: Actor,
    connection: Connection,
    entry: AuditEntry | null,
    code: AppError['code'] | null,
  ) => {
    steps.leave(actor, connection.remoteAddress);
    return entry === null ? undefined : entry.end(code);
  };
  const done = (actor: Actor, connection: Connection, entry: AuditEntry | null, value: Value) => {
    const kept = end(actor, connection, entry, null);
    return kept === undefined ? value : kept.then(() => value);
  };
  const failed = (actor: Actor, connection: Connection, entry: AuditEntry | null, error: unknown) => {
    const refusal = refused(steps, actor, connection, error);
    if (entry === null) steps.denied(actor, connection, refusal);
    const kept = end(actor, connection, entry, refusal.code);
    if (kept === undefined) throw error;
    return kept.then((): never => {
      throw error;
    });
  };
  return (actor, input, connection) => {
    admit(steps, actor, connection);
    let entry: AuditEntry | null = null;
    let value: Value | Promise<Value>;
    try {
      entry = steps.begin(actor, connection);
      const work = () => service(actor as CallerOf<A>, input);
      value = entry === null ? work() : entry.run(work);
    } catch (error) {
      return failed(actor, connection, entry, error);
    }
    if (!(value instanceof Promise)) return done(actor, connection, entry, value);
    return value.then(
      (resolved) => done(actor, connection, entry, resolved),
      (error: unknown) => failed(actor, connection, entry, error),
    );
  };
}

function callNowOf<A extends Access, Input, Value>(
  steps: Steps,
  service: (actor: CallerOf<A>, input: Input) => Value,
  { admit, refused }: Watch,
) {
  return (actor: Actor, input: Input, connection: Connection): Value => {
    admit(steps, actor, connection);
    try {
      return service(actor as CallerOf<A>, input);
    } catch (error) {
      const refusal = refused(steps, actor, connection, error);
      steps.denied(actor, connection, refusal);
      throw refusal;
    } finally {
      steps.leave(actor, connection.remoteAddress);
    }
  };
}

/** What is looked at beside a call of a connection. */
interface Watch {
  readonly admit: (steps: Steps, actor: Actor, connection: Connection) => void;
  /** Counts a refusal, and gives it as an AppError. */
  readonly refused: (steps: Steps, actor: Actor, connection: Connection, error: unknown) => AppError;
}

/** Lets a call of a connection in; what passes no other operation on its way counts as a message of its tenant. */
function watchOf(operation: Operation, { rates, abuse }: PipelineDependencies): Watch {
  const isMessage = !PASSED_ON.has(operation.operation);
  const refused: Watch['refused'] = (steps, actor, { remoteAddress }, cause) => {
    const error = steps.refused(cause);
    abuse.refused({ operation, actor, remoteAddress, error, asked: null });
    return error;
  };
  return {
    refused,
    admit(steps, actor, connection) {
      try {
        abuse.requireAllowed({ operation, actor, remoteAddress: connection.remoteAddress });
        if (isMessage) rates.countMessage(actor);
        steps.admit(actor, connection);
      } catch (error) {
        throw refused(steps, actor, connection, error);
      }
    },
  };
}

/** A publication to this topic is a frame, and asked for again as such. */
const PASSED_ON: ReadonlySet<string> = new Set(['mqtt.topics.publish']);
