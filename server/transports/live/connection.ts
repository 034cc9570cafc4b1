import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { HttpResponse, RespondToError } from '../../platform/http/types.ts';
import type { Socket, SocketHandler } from '../../platform/websocket/types.ts';
import type { Identify } from '../authenticate.ts';
import { errorTable, logRefusal, toAppError } from '../error-table.ts';
import { toAskedRequest } from '../pipeline/asked-request.ts';
import type { OperationRoute } from '../pipeline/http.ts';
import { principalIdOf } from '../pipeline/steps.ts';
import { tokenHolder } from '../pipeline/token-holder.ts';
import { FOLLOWED_MAX, IDLE_TIMEOUT_MS } from './limits.ts';
import { encodeMessage, type Follow, readMessage, type ServerMessage } from './messages.ts';

/** What a connection needs, the same for all. */
export interface ConnectionDependencies {
  /** Every operation that can be followed, by name. */
  readonly operations: ReadonlyMap<string, OperationRoute>;
  readonly identify: Identify;
  readonly respondToError: RespondToError;
  readonly newRequestId: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** RFC 6455 section 7.4.1: all was said. */
const CLOSE_NORMAL = 1000;

/**
 * One WebSocket on which event streams of the API are followed. Each is asked for as HTTP would bring it: who may follow what, how
 * many follow, and what ends it is decided there. What HTTP could not have brought ends the connection.
 */
export class LiveConnection implements SocketHandler {
  readonly #socket: Socket;
  readonly #dependencies: ConnectionDependencies;
  readonly #followed = new Map<number, AbortController>();
  #token: string | null = null;
  #isKnown = false;
  #lastId = 0;
  /** Streams that the client may still stop: each once, were it over meanwhile. */
  #stoppable = 0;
  #isOver = false;
  #cancelIdle: () => void = () => {};
  /** What waits until the client has read. */
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket, findToken: () => string | null, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    this.#awaitFollow();
    this.#guard(() => {
      this.#token = findToken();
    });
  }

  received(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#guard(() => {
      const message = readMessage(bytes);
      if ('stop' in message) this.#stop(message.stop);
      else this.#follow(message);
    });
  }

  drained(): void {
    for (const goOn of [...this.#waiting]) goOn();
  }

  closed(): void {
    this.#isOver = true;
    this.#cancelIdle();
    for (const cancelled of this.#followed.values()) cancelled.abort();
    this.drained();
  }

  #follow(message: Follow): void {
    const { follow: id, operation } = message;
    if (id <= this.#lastId) throw invalidInput('The numbers of streams rise.');
    const route = this.#dependencies.operations.get(operation);
    if (route === undefined) {
      throw new AppError('not_found', 'operation_not_found', 'No operation of this name can be followed.');
    }
    if (this.#followed.size >= FOLLOWED_MAX) {
      throw new AppError('rate_limited', 'rate_limited', 'As many streams as may are followed.');
    }
    this.#lastId = id;
    this.#stoppable++;
    this.#cancelIdle();
    const cancelled = new AbortController();
    this.#followed.set(id, cancelled);
    this.#serve(id, route, message, cancelled).catch((error: unknown) => this.#end(toAppError(error)));
  }

  #stop(id: number): void {
    if (id > this.#lastId || this.#stoppable === 0) throw invalidInput('No such stream was asked for.');
    this.#stoppable--;
    this.#followed.get(id)?.abort();
  }

  async #serve(
    id: number,
    route: OperationRoute,
    message: Follow,
    cancelled: AbortController,
  ): Promise<void> {
    await this.#answer(id, await this.#ask(route, message, cancelled.signal), cancelled.signal);
    this.#followed.delete(id);
    if (this.#followed.size === 0 && !this.#isOver) this.#awaitFollow();
  }

  async #ask(route: OperationRoute, message: Follow, signal: AbortSignal): Promise<HttpResponse> {
    const { respondToError, newRequestId } = this.#dependencies;
    const { remoteAddress } = this.#socket;
    const { tenantId = '', params = {}, query = {}, headers = {} } = message;
    const requestId = newRequestId();
    try {
      const origin = { remoteAddress, requestId, signal };
      const request = toAskedRequest(route.operation, { params, query, headers }, origin);
      return await route.serve(request, this.#sender(tenantId));
    } catch (error) {
      return respondToError(error, { requestId, path: route.path });
    }
  }

  #sender(tenantId: string) {
    const token = this.#token;
    if (token === null) return { identify: async () => null };
    return tokenHolder(this.#dependencies.identify, token, tenantId, (actor) => this.#belongTo(actor));
  }

  #belongTo(actor: Actor): void {
    if (this.#isKnown || this.#isOver) return;
    this.#isKnown = true;
    const deviceId = actor.kind === 'account' ? actor.credentialId : principalIdOf(actor);
    this.#socket.belongsTo({ deviceId, tenantId: actor.tenantId });
  }

  async #answer(id: number, { status, body = '{}', cut }: HttpResponse, stopped: AbortSignal): Promise<void> {
    if (typeof body === 'string' || body instanceof Uint8Array) {
      const refusal: unknown = JSON.parse(Buffer.from(body).toString());
      await this.#send({ id, status, body: refusal });
      return;
    }
    let end: 'complete' | 'broken' = 'complete';
    try {
      await this.#send({ id, status }, cut);
      for await (const data of body) {
        if (stopped.aborted) break;
        await this.#send({ id, data }, cut);
      }
    } catch {
      // It was logged where it broke.
      end = 'broken';
    }
    void this.#send({ id, end });
  }

  /** Resolves when the client has read what was sent before, or (so that a stream can end) `cut`. */
  async #send(message: ServerMessage, cut?: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const sent = this.#socket.send(encodeMessage(message));
    if (sent === 'dropped') {
      this.#end(new AppError('unavailable', 'consumer_too_slow', 'You read too slowly.'));
    } else if (this.#socket.unsentBytes > 0) {
      await this.#untilDrained(cut);
    }
  }

  #untilDrained(cut?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const goOn = () => {
        this.#waiting.delete(goOn);
        cut?.removeEventListener('abort', goOn);
        resolve();
      };
      this.#waiting.add(goOn);
      cut?.addEventListener('abort', goOn);
      if (cut?.aborted) goOn();
    });
  }

  /** Ends the connection where nothing is followed for too long. */
  #awaitFollow(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#dependencies.clock.after(IDLE_TIMEOUT_MS, () =>
      this.#close(CLOSE_NORMAL, 'nothing is followed'),
    );
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#end(toAppError(error));
    }
  }

  #end(reason: AppError): void {
    if (this.#isOver) return;
    const { remoteAddress } = this.#socket;
    logRefusal(this.#dependencies.logger, reason, { remoteAddress }, 'a live connection ends');
    this.#close(errorTable[reason.kind].webSocketCloseCode, reason.code);
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.closed();
  }
}
