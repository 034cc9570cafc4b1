import {
  type BusinessRequest,
  encodePayload,
  RatatoskrType,
  type StreamCredit as StreamCreditMessage,
  StreamData,
} from '../../../proto/index.ts';
import {
  type RequestType,
  requestTypeOf,
  SessionError,
  TIMES_FEATURE,
  TYPES_FEATURE,
} from '../../../proto/ratatoskr/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { BodyRoom } from '../../platform/http/body.ts';
import type { HttpResponse, RespondToError } from '../../platform/http/types.ts';
import type { Identify } from '../authenticate.ts';
import { type RequestOrigin, toHttpRequest } from '../pipeline/asked-request.ts';
import type { OperationRoute } from '../pipeline/http.ts';
import { tokenHolder } from '../pipeline/token-holder.ts';
import { knownBytes, piecesOf, StreamCredit, wholeBody } from './answer-stream.ts';
import { encodeAnswer, encodeRefusal } from './answers.ts';
import { ArrivingInput } from './arriving-input.ts';
import {
  CLOCK_WINDOW_MS,
  CREDIT_TIMEOUT_MS,
  INPUT_BYTES_MAX,
  LARGE_INPUT_BYTES,
  REQUESTS_MAX,
} from './limits.ts';
import { TYPE_LIMITS } from './type-limits.ts';

type Asked = InstanceType<typeof BusinessRequest>;

/** What answering requests needs, the same for all sessions. */
export interface RequestDependencies {
  /** Every operation that can be asked for, by name. */
  readonly operations: ReadonlyMap<string, OperationRoute>;
  readonly identify: Identify;
  readonly respondToError: RespondToError;
  readonly newRequestId: () => string;
  readonly clock: Clock;
}

/** Whose requests they are. */
export interface RequestSender extends SessionShares {
  readonly token: string;
  /** The tenant of requests that name none; empty: its own. */
  readonly tenantId: string;
  readonly remoteAddress: string;
  /** The extensions that its session uses. */
  readonly features: number;
}

/** What one tenant may take of what all sessions share. */
export interface SessionShares {
  readonly inputs: {
    readonly room: BodyRoom;
    /** Resolves when a large one may be read. */
    turn(): Promise<void>;
  };
  /** For answers that wait until their client takes them. */
  readonly answers: BodyRoom;
}

/** A request whose input is still coming, or that is being answered. */
interface Running {
  readonly asked: Asked;
  readonly route: OperationRoute;
  readonly input: ArrivingInput;
  readonly cancelled: AbortController;
  readonly credit: StreamCredit;
}

/** The requests of one session: each becomes the request that HTTP would bring, and its answer goes back by its number. */
export class SessionRequests {
  readonly #sender: RequestSender;
  readonly #send: (type: RatatoskrType, payload: Uint8Array) => void;
  readonly #dependencies: RequestDependencies;
  readonly #running = new Map<number, Running>();
  /** How many of each type of area run. */
  readonly #runningOf = new Map<RequestType, number>();
  #inputBytes = 0;

  constructor(
    sender: RequestSender,
    send: (type: RatatoskrType, payload: Uint8Array) => void,
    dependencies: RequestDependencies,
  ) {
    this.#sender = sender;
    this.#send = send;
    this.#dependencies = dependencies;
  }

  /** What a request asks for, or why it isn't taken up, whatever its input is. */
  find(type: RequestType, asked: Asked): OperationRoute | AppError {
    if (!this.#mayAsk(type, asked.operation)) return typeWrong();
    if (!this.#isInTime(asked)) return clockWrong();
    return this.#dependencies.operations.get(asked.operation) ?? operationNotFound();
  }

  /** A request came for what `find` gave. Throws SessionError where more input is on its way than may be. */
  begin(id: number, asked: Asked, route: OperationRoute): void {
    if (this.#isBusyWith(asked)) {
      this.refuse(id, asked, busy());
      return;
    }
    const running = {
      asked,
      route,
      input: new ArrivingInput(),
      cancelled: new AbortController(),
      credit: new StreamCredit(),
    };
    this.#running.set(id, running);
    this.#countRunning(asked, 1);
    if (this.#take(id, running, asked.input) && !asked.more) void this.#serve(id, running);
  }

  /** More of a request's input came; of one that was refused or taken back it is forgotten. */
  addInput(id: number, data: Uint8Array, isLast: boolean): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    if (!running.asked.more) throw new SessionError('ratatoskr_type_unexpected', 'The input was complete.');
    if (!this.#take(id, running, data) || !isLast) return;
    running.asked.more = false;
    void this.#serve(id, running);
  }

  /** The client has taken some of an answer, or wants no more of it. */
  addCredit({ request, bytes, cancel }: InstanceType<typeof StreamCreditMessage>): void {
    const running = this.#running.get(request);
    if (running === undefined) return;
    if (!running.credit.add(bytes)) {
      throw new SessionError('ratatoskr_window_exceeded', 'So much credit is never used.');
    }
    if (!cancel) return;
    running.cancelled.abort();
    // What waits for input is answered by nobody.
    if (running.asked.more) this.#forget(request, running);
  }

  /** The session is over: nobody waits for the answers. */
  end(): void {
    for (const [id, running] of this.#running) {
      running.cancelled.abort();
      this.#forget(id, running);
    }
  }

  /** Clients of before, which don't have the extension, ask for everything under the one type that they know. */
  #mayAsk(type: RequestType, operation: string): boolean {
    const isTyped = (this.#sender.features & TYPES_FEATURE) !== 0;
    return type === requestTypeOf(operation) || (!isTyped && type === RatatoskrType.BUSINESS_REQUEST);
  }

  /** As many run as may, of all requests or of those of its type. */
  #isBusyWith({ operation }: Asked): boolean {
    if (this.#running.size >= REQUESTS_MAX) return true;
    const type = requestTypeOf(operation);
    return (this.#runningOf.get(type) ?? 0) >= (TYPE_LIMITS.get(type)?.runningMax ?? REQUESTS_MAX);
  }

  #isInTime({ sentAtMs }: Asked): boolean {
    if ((this.#sender.features & TIMES_FEATURE) === 0) return true;
    return Math.abs(this.#dependencies.clock.nowMs() - sentAtMs) <= CLOCK_WINDOW_MS;
  }

  /** Keeps more of a request's input. False: there is no room for it, and the request is refused. */
  #take(id: number, running: Running, data: Uint8Array): boolean {
    if (this.#inputBytes + data.length > INPUT_BYTES_MAX) {
      throw new SessionError(
        'ratatoskr_window_exceeded',
        `More than ${INPUT_BYTES_MAX} bytes are on their way.`,
      );
    }
    if (!this.#sender.inputs.room.take(data.length)) {
      this.#forget(id, running);
      this.refuse(id, running.asked, noRoom());
      return false;
    }
    this.#inputBytes += data.length;
    running.input.add(data);
    return true;
  }

  /** The input, for which no room is taken any more: it is read at once, a large one in turn. */
  async #inputOf({ input }: Running): Promise<Uint8Array> {
    if (input.length >= LARGE_INPUT_BYTES) await this.#sender.inputs.turn();
    return this.#release(input);
  }

  #release(input: ArrivingInput): Uint8Array {
    const bytes = input.take();
    this.#inputBytes -= bytes.length;
    this.#sender.inputs.room.give(bytes.length);
    return bytes;
  }

  async #serve(id: number, running: Running): Promise<void> {
    const requestId = this.#dependencies.newRequestId();
    try {
      const response = await this.#ask(running, requestId);
      await this.#answer(id, requestId, response, running);
    } finally {
      this.#forget(id, running);
    }
  }

  async #ask(running: Running, requestId: string): Promise<HttpResponse> {
    const { identify, respondToError } = this.#dependencies;
    const { token, tenantId, remoteAddress } = this.#sender;
    const { asked, route, cancelled } = running;
    try {
      const origin = new Origin(remoteAddress, requestId, cancelled);
      const request = toHttpRequest(route.operation, await this.#inputOf(running), origin);
      return await route.serve(request, tokenHolder(identify, token, asked.tenantId || tenantId));
    } catch (error) {
      return respondToError(error, { requestId, path: route.path });
    }
  }

  async #answer(id: number, requestId: string, response: HttpResponse, running: Running): Promise<void> {
    const whole = wholeBody(response.body);
    if (whole !== null) {
      this.#respond(id, requestId, response, { body: whole, more: false });
      return;
    }
    const waitingBytes = knownBytes(response.body);
    if (!this.#sender.answers.take(waitingBytes)) {
      this.refuse(id, running.asked, noRoom());
      return;
    }
    this.#respond(id, requestId, response, { body: new Uint8Array(0), more: true });
    await this.#sendPieces(id, response.body, running);
    this.#sender.answers.give(waitingBytes);
  }

  async #sendPieces(id: number, body: HttpResponse['body'], running: Running): Promise<void> {
    const { signal } = running.cancelled;
    let broken = false;
    try {
      for await (const data of piecesOf(body)) {
        await this.#takeCredit(running, data.length);
        if (signal.aborted) break;
        this.#send(RatatoskrType.STREAM_DATA, encodePayload(StreamData, { request: id, data }));
      }
    } catch {
      // It was logged where it broke.
      broken = true;
    }
    const end = { request: id, last: true, broken: broken || signal.aborted };
    this.#send(RatatoskrType.STREAM_DATA, encodePayload(StreamData, end));
  }

  /** An answer whose client takes none of it for too long is broken off. */
  async #takeCredit({ credit, cancelled }: Running, bytes: number): Promise<void> {
    const isLate = () => cancelled.abort();
    const cancelTimeout = this.#dependencies.clock.after(CREDIT_TIMEOUT_MS, isLate);
    await credit.take(bytes, cancelled.signal);
    cancelTimeout();
  }

  /** Answers a request that isn't taken up; whose time is wrong is told the server's. */
  refuse(id: number, { operation }: Asked, error: AppError): void {
    const serverTimeMs = error.code === 'ratatoskr_clock_wrong' ? this.#dependencies.clock.nowMs() : 0;
    const path = this.#dependencies.operations.get(operation)?.path ?? '';
    const refusal = encodeRefusal(id, { error, path, serverTimeMs }, this.#dependencies);
    this.#send(RatatoskrType.BUSINESS_RESPONSE, refusal);
  }

  #respond(
    id: number,
    requestId: string,
    response: HttpResponse,
    part: { readonly body: Uint8Array; readonly more: boolean },
  ): void {
    this.#send(RatatoskrType.BUSINESS_RESPONSE, encodeAnswer(id, { requestId, response, ...part }));
  }

  #forget(id: number, running: Running): void {
    if (!this.#running.delete(id)) return;
    this.#countRunning(running.asked, -1);
    this.#release(running.input);
  }

  #countRunning({ operation }: Asked, difference: 1 | -1): void {
    const type = requestTypeOf(operation);
    this.#runningOf.set(type, (this.#runningOf.get(type) ?? 0) + difference);
  }
}

/** Where a request comes from. Its signal is made where somebody asks for it: making one costs as much as all else. */
class Origin implements RequestOrigin {
  readonly remoteAddress: string;
  readonly requestId: string;
  readonly #cancelled: AbortController;

  constructor(remoteAddress: string, requestId: string, cancelled: AbortController) {
    this.remoteAddress = remoteAddress;
    this.requestId = requestId;
    this.#cancelled = cancelled;
  }

  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }
}

function busy(): AppError {
  return new AppError('rate_limited', 'rate_limited', 'Too many requests run in this session.', {
    details: { retryAfterSeconds: 1 },
  });
}

function operationNotFound(): AppError {
  return new AppError('not_found', 'operation_not_found', 'There is no operation of this name.');
}

function typeWrong(): AppError {
  const message = 'The operation is asked for under another type of message.';
  return new AppError('invalid', 'ratatoskr_request_type_wrong', message);
}

function clockWrong(): AppError {
  const message = `The request was not sent within ${CLOCK_WINDOW_MS / 60_000} minutes of the server's time.`;
  return new AppError('invalid', 'ratatoskr_clock_wrong', message);
}

function noRoom(): AppError {
  return new AppError('unavailable', 'unavailable', 'Too much is being sent at the moment.', {
    details: { retryAfterSeconds: 1 },
  });
}
