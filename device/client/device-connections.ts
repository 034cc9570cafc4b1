import {
  ConnectionAsk,
  ConnectionDecision,
  ConnectionEnd,
  ConnectionState,
  decodePayload,
  encodePayload,
  FrameType,
  PairState,
  uuidFromBytes,
  uuidToBytes,
} from '../../proto/index.ts';
import { BifrostError } from './errors.ts';
import { type OutgoingFrame, requireUuid } from './frame-channel.ts';
import { ANSWER_MARGIN_MS, ASK_WAIT_MS } from './limits.ts';
import type { Acceptance } from './outbox.ts';
import type { Clock } from './ports.ts';

/** How a connection between two devices stands. `asked`: nobody has answered yet. */
export type DeviceConnectionStatus =
  | 'asked'
  | 'allowed'
  | 'denied'
  | 'timed_out'
  | 'closed'
  | 'used'
  | 'expired';

/** A connection between two devices: the source may send to the target, or asked to. */
export interface DeviceConnection {
  readonly id: string;
  readonly sourceId: string;
  readonly targetId: string;
  readonly status: DeviceConnectionStatus;
  readonly reason: string;
  /** Names of commands and events that the source may send; null: anything. */
  readonly operations: readonly string[] | null;
  /** Null: without an end. */
  readonly untilMs: number | null;
  /** One frame may be sent. */
  readonly once: boolean;
}

/** Another device asks for this one. The server vouches for who it is. */
export interface DeviceAsk {
  readonly connectionId: string;
  readonly source: {
    readonly id: string;
    readonly name: string;
    readonly kind: string;
    /** The tenant that owns it. */
    readonly owner: string;
    /** SHA-256 of its key for Ratatoskr, in hexadecimal digits; null: it has none. */
    readonly keyFingerprint: string | null;
  };
  readonly operations: readonly string[] | null;
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** What is allowed. */
export interface Allowance {
  /** Without them: what was asked for. */
  readonly operations?: readonly string[];
  readonly untilMs?: number;
  readonly once?: boolean;
  readonly reason?: string;
}

/** What a device asks for. */
export interface AskOptions {
  /** Names of commands and events that it wants to send, or `area.*`. Without them: anything. */
  readonly operations?: readonly string[];
  readonly reason?: string;
  /** How long the question stays open, in milliseconds: a minute, unless the caller says otherwise. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const STATUSES: Readonly<Record<number, DeviceConnectionStatus | undefined>> = {
  [PairState.PAIR_ASKED]: 'asked',
  [PairState.PAIR_ALLOWED]: 'allowed',
  [PairState.PAIR_DENIED]: 'denied',
  [PairState.PAIR_TIMED_OUT]: 'timed_out',
  [PairState.PAIR_CLOSED]: 'closed',
  [PairState.PAIR_USED]: 'used',
  [PairState.PAIR_EXPIRED]: 'expired',
};

/** A CONNECTION_STATE frame's payload. A state that this version doesn't know is `closed`. Throws `PayloadError`. */
export function decodeConnectionState(payload: Uint8Array): DeviceConnection {
  const state = decodePayload(ConnectionState, payload);
  return {
    id: uuidFromBytes(state.connectionId),
    sourceId: uuidFromBytes(state.sourceId),
    targetId: uuidFromBytes(state.targetId),
    status: STATUSES[state.state] ?? 'closed',
    reason: state.reason,
    operations: state.operations.length === 0 ? null : state.operations,
    untilMs: state.untilMs || null,
    once: state.once,
  };
}

/** A CONNECTION_ASK frame's payload. Throws `PayloadError`. */
export function decodeAsk(payload: Uint8Array): DeviceAsk {
  const { connectionId, source, operations, reason, expiresAtMs } = decodePayload(ConnectionAsk, payload);
  const fingerprint = source?.keyFingerprint ?? new Uint8Array(0);
  return {
    connectionId: uuidFromBytes(connectionId),
    source: {
      id: uuidFromBytes(source?.id ?? new Uint8Array(16)),
      name: source?.name ?? '',
      kind: source?.kind ?? '',
      owner: source?.owner ?? '',
      keyFingerprint:
        fingerprint.length === 0
          ? null
          : Array.from(fingerprint, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    },
    operations: operations.length === 0 ? null : operations,
    reason,
    expiresAtMs,
  };
}

/** Connections of this device with others of its network: asking, answering, withdrawing. */
export class DeviceConnections {
  readonly #request: (frame: Omit<OutgoingFrame, 'delivery'>, signal?: AbortSignal) => Promise<Acceptance>;
  readonly #clock: Clock;
  /** Who waits for the answer to a question, by the connection's id. */
  readonly #waiting = new Map<string, (connection: DeviceConnection) => void>();
  /** What the server said last of each connection that may be used. */
  readonly #known = new Map<string, DeviceConnection>();

  constructor(
    request: (frame: Omit<OutgoingFrame, 'delivery'>, signal?: AbortSignal) => Promise<Acceptance>,
    clock: Clock,
  ) {
    this.#request = request;
    this.#clock = clock;
  }

  /** Connections of this device that are allowed, as far as it was told since it started. */
  get known(): readonly DeviceConnection[] {
    return [...this.#known.values()];
  }

  /** True where the device that is asked allowed some operations only, as far as it was told. */
  isLimitedTo(targetId: string): boolean {
    return this.known.some((each) => each.targetId === targetId && each.operations !== null);
  }

  /**
   * Asks to send to another device. Resolves when that is decided, or nobody decided in time: look at `status`. Where it is allowed
   * already, at once. Rejects with the server's refusal (`device_not_found`, `rate_limited` ...), with `invalid_input` for an id that is no
   * UUID, with `aborted`, and with `timed_out` where the answer got lost: asking again tells it.
   */
  async ask(deviceId: string, options: AskOptions = {}): Promise<DeviceConnection> {
    const { operations = [], reason = '', waitMs = ASK_WAIT_MS, signal } = options;
    const targetId = uuidToBytes(requireUuid(deviceId));
    const payload = encodePayload(ConnectionAsk, { targetId, waitMs, operations: [...operations], reason });
    const asked = await this.#send(FrameType.CONNECTION_ASK, payload, signal);
    if (asked.status !== 'asked') return asked;
    return this.#answerTo(asked.id, waitMs + ANSWER_MARGIN_MS, signal);
  }

  /** Lets the device that asked send to this one. Rejects with `connection_decided` where somebody answered already. */
  allow(
    { connectionId }: Pick<DeviceAsk, 'connectionId'>,
    allowance: Allowance = {},
  ): Promise<DeviceConnection> {
    const { operations = [], untilMs = 0, once = false, reason = '' } = allowance;
    const decision = { allow: true, operations: [...operations], untilMs, once, reason };
    return this.#decide(connectionId, decision);
  }

  /** Doesn't. */
  deny({ connectionId }: Pick<DeviceAsk, 'connectionId'>, reason = ''): Promise<DeviceConnection> {
    return this.#decide(connectionId, { allow: false, reason });
  }

  /** Withdraws a connection, whichever side this device is: what is sent from then on is refused. */
  end(connectionId: string, reason = ''): Promise<DeviceConnection> {
    const payload = encodePayload(ConnectionEnd, {
      connectionId: uuidToBytes(requireUuid(connectionId)),
      reason,
    });
    return this.#send(FrameType.CONNECTION_END, payload);
  }

  /** The server says how a connection stands. */
  told(connection: DeviceConnection): void {
    if (connection.status === 'allowed') this.#known.set(connection.id, connection);
    else this.#known.delete(connection.id);
    if (connection.status !== 'asked') this.#waiting.get(connection.id)?.(connection);
  }

  #decide(connectionId: string, decision: Parameters<typeof ConnectionDecision.encode>[0]) {
    const id = uuidToBytes(requireUuid(connectionId));
    const payload = encodePayload(ConnectionDecision, { ...decision, connectionId: id });
    return this.#send(FrameType.CONNECTION_DECISION, payload);
  }

  async #send(type: FrameType, payload: Uint8Array, signal?: AbortSignal): Promise<DeviceConnection> {
    const { answer } = await this.#request({ type, payload }, signal);
    const connection = decodeConnectionState(answer ?? new Uint8Array(0));
    this.told(connection);
    return connection;
  }

  #answerTo(connectionId: string, waitMs: number, signal?: AbortSignal): Promise<DeviceConnection> {
    return new Promise((resolve, reject) => {
      const done = () => {
        cancelTimeout();
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(connectionId);
      };
      const abort = () => {
        done();
        reject(new BifrostError('aborted', 'Asking was given up by its caller.'));
      };
      const cancelTimeout = this.#clock.after(waitMs, () => {
        done();
        reject(new BifrostError('timed_out', 'No answer came in time.'));
      });
      this.#waiting.set(connectionId, (connection) => {
        done();
        resolve(connection);
      });
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }
}
