import { Delivery, ErrorPayload, encodePayload, errorCodeNumber, FrameType } from '../../proto/index.ts';
import type { Connection } from './connection.ts';
import type { DirectPaths } from './direct/direct-paths.ts';
import { BifrostError } from './errors.ts';
import { checkFrame, type FrameChannel, type OutgoingFrame } from './frame-channel.ts';
import { REQUEST_TIMEOUT_MS } from './limits.ts';
import type { ReceivedFrame } from './messages.ts';
import type { Acceptance, Outbox } from './outbox.ts';
import type { PendingCommands } from './pending-commands.ts';
import type { Clock } from './ports.ts';
import type { Sealing, Unsealed } from './sealing.ts';

/** What a sender works with: one client's. */
export interface SenderParts {
  readonly connection: () => Connection;
  readonly outbox: Outbox;
  readonly sealing: Sealing;
  readonly paths: Pick<DirectPaths, 'send'>;
  /** Hears which of them go out sealed. */
  readonly commands: Pick<PendingCommands, 'sealed'>;
}

/** How what a client sends goes out: sealed where that is wanted, no more at a time than the server takes, again after a reconnect. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #channel: FrameChannel;
  readonly #clock: Clock;

  constructor(parts: SenderParts, { channel, clock }: { channel: FrameChannel; clock: Clock }) {
    this.#parts = parts;
    this.#channel = channel;
    this.#clock = clock;
  }

  /** As `BifrostClient.sendTransient`. */
  sendTransient(frame: Omit<OutgoingFrame, 'delivery'>): boolean {
    const id = this.#channel.newId();
    const checked = checkFrame({ ...frame, delivery: Delivery.TRANSIENT });
    const sealed = this.#parts.sealing.sealNow(checked, id);
    if (sealed === null) return false;
    const outgoing = checkFrame(sealed);
    return this.#parts.paths.send(outgoing, id) ?? this.#parts.connection().send(outgoing, id);
  }

  /** As `BifrostClient.request`. */
  async request(
    frame: Omit<OutgoingFrame, 'delivery'>,
    options: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Acceptance> {
    if (this.#parts.connection().state !== 'open')
      throw new BifrostError('session_lost', 'There is no connection.');
    const id = this.#channel.newId();
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const cancelTimeout = this.#clock.after(timeoutMs, () =>
      this.#parts.outbox.reject(id, new BifrostError('timed_out', `No answer within ${timeoutMs} ms.`)),
    );
    try {
      return await this.submit({ ...frame, delivery: Delivery.TRANSIENT }, id, false, options.signal);
    } finally {
      cancelTimeout();
    }
  }

  /** Sends a frame; resolves with the server's answer. `again`: also over the end of a session. */
  async submit(
    unchecked: OutgoingFrame,
    id: string,
    again: boolean,
    signal?: AbortSignal,
  ): Promise<Acceptance> {
    const frame = checkFrame(unchecked);
    const { sealing } = this.#parts;
    const sealed = sealing.seal(frame, id);
    const outgoing = sealed instanceof Promise ? await unlessAborted(sealed, signal) : sealed;
    if (outgoing === frame) return this.#give(frame, id, again, signal);
    this.#parts.commands.sealed(id);
    try {
      return { ...(await this.#give(checkFrame(outgoing), id, again, signal)), isSealed: true };
    } catch (error) {
      const isLimited = (error as BifrostError).code === 'connection_limited';
      if (!isLimited || !sealing.showNames(frame.destinationId)) throw error;
      return this.submit(frame, id, again, signal);
    }
  }

  /** Sends what waits, as much as the server takes. */
  sendWaiting(): void {
    const { outbox } = this.#parts;
    for (let next = outbox.next(); next !== null; next = outbox.next()) {
      const { id, frame } = next;
      if (this.#parts.connection().send(frame, id) || frame.delivery === Delivery.STORED) continue;
      outbox.answered(id);
      outbox.reject(id, new BifrostError('session_lost', 'The connection can take nothing more.'));
    }
  }

  /** Tells a device that what it sent was not taken; in clear, since it may be the key that is wrong. Nothing answers a refusal. */
  refuse({ id, sourceId }: ReceivedFrame, { reason, type }: Extract<Unsealed, { ok: false }>): void {
    if (reason === 'frame_payload_malformed' || type === FrameType.ERROR) return;
    const message = 'The device could not take that.';
    const payload = encodePayload(ErrorPayload, { code: errorCodeNumber(reason), message });
    const to = { destinationId: sourceId, correlationId: id };
    const refusal = { type: FrameType.ERROR, delivery: Delivery.TRANSIENT, payload, ...to };
    this.#parts.connection().send(refusal, this.#channel.newId());
  }

  async #give(
    frame: OutgoingFrame,
    id: string,
    again: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Acceptance> {
    const { outbox } = this.#parts;
    if (this.#parts.connection().state === 'closed')
      throw new BifrostError('client_closed', 'The client is closed.');
    const accepted = outbox.add(id, frame, again);
    const abort = () => outbox.reject(id, new BifrostError('aborted', 'Sending was given up by its caller.'));
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    else this.sendWaiting();
    try {
      return await accepted;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

/** The same, or a rejection with `aborted`, whichever comes first. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new BifrostError('aborted', 'Sending was given up by its caller.'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
