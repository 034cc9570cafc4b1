import {
  Ack,
  Capabilities,
  encodePayload,
  FrameType,
  type FrameView,
  Hello,
  Welcome,
} from '../../../proto/index.ts';
import { relayError, type StreamPosition } from '../../domains/relay/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { LoopTurns } from '../../kernel/loop-turns.ts';
import type { Socket, SocketHandler } from '../../platform/websocket/types.ts';
import { errorTable, logRefusal, toAppError } from '../error-table.ts';
import type { DeviceChannel } from '../frames/device-channel.ts';
import { DeviceSession, type SessionDependencies } from '../frames/device-session.ts';
import { type FrameAnswer, payloadOf, type SessionFrames } from '../frames/frame-handler.ts';
import { capabilitiesOf } from '../frames/frame-handlers.ts';
import { SEND_WINDOW_FRAMES } from '../frames/limits.ts';
import * as limits from './limits.ts';
import { type WaitingLimits, WaitingMessages } from './waiting-messages.ts';

const NOTHING_TO_CANCEL = () => {};

const BEFORE_WELCOME: WaitingLimits = {
  framesMax: limits.WAITING_FRAMES_MAX,
  bytesMax: limits.WAITING_BYTES_MAX,
};
const OPEN: WaitingLimits = { framesMax: limits.UNREAD_FRAMES_MAX, bytesMax: limits.UNREAD_BYTES_MAX };

/** What a connection needs, the same for all. */
export interface ConnectionDependencies extends SessionDependencies {
  readonly clock: Clock;
  readonly heartbeatIntervalMs: number;
  /** When frames are looked at, where there are many. */
  readonly turns: LoopTurns<TenantId>;
}

/**
 * One WebSocket of a device: its token says who it is, HELLO opens its session, then frames go to the session. Until the
 * device is known and while the session opens, frames wait in order. Ends with `unauthenticated` where nobody has the
 * token.
 */
export class BifrostConnection implements SocketHandler, DeviceChannel, SessionFrames {
  readonly transport = 'websocket';
  readonly windowFrames = limits.WINDOW_FRAMES;
  readonly followsEveryNetwork = false;
  readonly acknowledgesItself = false;
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #dependencies: ConnectionDependencies;
  readonly #session: DeviceSession;
  #cancelHelloTimeout: () => void;
  readonly #waiting = new WaitingMessages();
  #state: 'connecting' | 'greeting' | 'opening' | 'open' = 'connecting';
  #waitsForTurn = false;

  constructor(socket: Socket, token: string | null, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    this.#dependencies = dependencies;
    this.#session = new DeviceSession(this, dependencies);
    this.#cancelHelloTimeout = dependencies.clock.after(limits.HELLO_TIMEOUT_MS, () => {
      // A device that has said what it must waits for us.
      this.#session.end(this.#state === 'greeting' ? helloRequired() : relayError('unavailable'));
    });
    void this.#connect(token);
  }

  get sessionFrames(): SessionFrames {
    return this;
  }

  get endsAtFirstRefusal(): boolean {
    return this.#state !== 'open';
  }

  /** A message came. The bytes are copied if they must wait. */
  received(message: Uint8Array, isBinary: boolean): void {
    if (this.#session.ended) return;
    if (this.#listens && this.#waiting.isEmpty && this.#dependencies.turns.begin()) {
      this.#receive(message, isBinary);
      return;
    }
    while (!this.#waiting.add(message, isBinary, this.#state === 'open' ? OPEN : BEFORE_WELCOME)) {
      if (this.#state === 'open') this.#receiveWaiting(1);
      else this.#session.end(new AppError('rate_limited', 'rate_limited', 'Too much before WELCOME.'));
      if (this.#session.ended) return;
    }
    if (this.#listens) this.#waitForTurn();
  }

  get #listens(): boolean {
    return this.#state === 'greeting' || this.#state === 'open';
  }

  /** The socket is gone. */
  closed(): void {
    // What came before the end counts.
    if (this.#state === 'open') this.#receiveWaiting(limits.UNREAD_FRAMES_MAX);
    this.#stopWaiting();
    this.#session.closed();
  }

  requireReady(type: FrameType): void {
    if (this.#state !== 'open' && type !== FrameType.HELLO) throw helloRequired();
  }

  send(frame: Uint8Array): boolean {
    return this.#socket.send(frame) !== 'dropped';
  }

  sendStored(frame: Uint8Array): boolean {
    return this.#socket.send(frame) !== 'dropped';
  }

  close(reason: AppError): void {
    this.#stopWaiting();
    this.#socket.close(errorTable[reason.kind].webSocketCloseCode, reason.code);
  }

  async #connect(token: string | null): Promise<void> {
    try {
      await this.#session.connect(token);
      if (!this.#session.ended) this.#socket.belongsTo(this.#session.actor);
      this.#state = 'greeting';
      this.#receiveWaiting(limits.FRAMES_AT_A_TIME);
    } catch (cause) {
      const error = toAppError(cause);
      const fields = { operation: 'bifrost.connect', remoteAddress: this.remoteAddress };
      logRefusal(this.#dependencies.logger, error, fields, 'connection refused');
      this.#session.end(error);
    }
  }

  #receive(message: Uint8Array, isBinary: boolean): void {
    if (isBinary) void this.#session.receive(message);
    else this.#session.refuse(relayError('frame_malformed'));
  }

  /** So much of what waited, up to a HELLO, which makes the rest wait again. */
  #receiveWaiting(framesMax: number): void {
    for (let left = framesMax; left > 0 && this.#listens && !this.#session.ended; left--) {
      const next = this.#waiting.next();
      if (next === undefined) return;
      this.#receive(next.bytes, next.isBinary);
    }
    if (this.#listens && !this.#session.ended && !this.#waiting.isEmpty) this.#waitForTurn();
  }

  #waitForTurn(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    const receive = () => {
      this.#waitsForTurn = false;
      this.#receiveWaiting(limits.FRAMES_AT_A_TIME);
    };
    this.#dependencies.turns.wait(this.#session.actor.tenantId, receive, limits.FRAMES_AT_A_TIME);
  }

  async hello(frame: FrameView): Promise<FrameAnswer> {
    if (this.#state !== 'greeting') throw relayError('frame_type_unexpected');
    const { resume, capabilities } = payloadOf(Hello, frame);
    const { devices } = this.#dependencies;
    const said = capabilities ? new Capabilities(capabilities) : null;
    const capabilitiesVersion = said === null ? 0 : devices.agreeOnCapabilities(said.versions);
    this.#state = 'opening';
    if (said !== null) await devices.updateCapabilities(this.#session.actor, capabilitiesOf(said));
    return this.#open(
      frame.header.networkId as NetworkId,
      resume ? { epoch: resume.epoch ?? '', offset: resume.offset ?? 0 } : null,
      capabilitiesVersion,
    );
  }

  async #open(
    networkId: NetworkId,
    resume: StreamPosition | null,
    capabilitiesVersion: number,
  ): Promise<FrameAnswer> {
    const { heartbeatIntervalMs } = this.#dependencies;
    const { delivery, head, recovered } = await this.#session.subscribe(networkId, resume);
    this.#endHelloTimeout();
    const { lastNonce } = this.#session;
    const payload = encodePayload(Welcome, {
      sessionId: delivery.id,
      head,
      recovered,
      heartbeatIntervalMs,
      lastNonce,
      sendWindow: SEND_WINDOW_FRAMES,
      capabilitiesVersion,
    });
    const welcomed = () => {
      this.#state = 'open';
      delivery.start();
      this.#receiveWaiting(limits.FRAMES_AT_A_TIME);
    };
    return { type: FrameType.WELCOME, payload, sent: welcomed };
  }

  acknowledge(frame: FrameView): void {
    const { offset } = payloadOf(Ack, frame);
    if (this.#session.acknowledge(frame.header.networkId as NetworkId, offset)) return;
    throw new AppError('invalid', 'invalid_input', 'The offset was never sent to this device.');
  }

  #stopWaiting(): void {
    this.#waiting.clear();
    this.#endHelloTimeout();
  }

  /** Lets the timer go, too: it would stay as long as the connection. */
  #endHelloTimeout(): void {
    this.#cancelHelloTimeout();
    this.#cancelHelloTimeout = NOTHING_TO_CANCEL;
  }
}

function helloRequired(): AppError {
  return new AppError('invalid', 'hello_required', 'The first frame of a session is HELLO.');
}
