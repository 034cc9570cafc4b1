import {
  Ack,
  Delivery,
  decodePayload,
  encodePayload,
  FrameType,
  type FrameView,
  Hello,
  Welcome,
  type yggdrasil,
} from '../../proto/index.ts';
import { BifrostError } from './errors.ts';
import type { DropReason, FrameChannel, OutgoingFrame } from './frame-channel.ts';
import {
  ACKNOWLEDGE_DELAY_MS,
  ACKNOWLEDGE_FRAMES_MAX,
  OUTBOX_FRAMES_MAX,
  PING_INTERVAL_SHARE,
  SOCKET_BUFFER_BYTES_MAX,
  WELCOME_TIMEOUT_MS,
} from './limits.ts';
import { decodeError } from './messages.ts';
import type { BifrostSocket, Clock } from './ports.ts';
import type { StreamPosition } from './stream-reader.ts';

/** What the server said at the start of a session. */
export interface SessionStart {
  readonly sessionId: string;
  /** The head of the stream when the session began. */
  readonly head: StreamPosition;
  /** True: every frame after the resume position follows. False: some are gone for good. */
  readonly recovered: boolean;
  /** Frames that may be without an answer at a time. */
  readonly sendWindow: number;
}

/** How a session ended. */
export interface SessionEnd {
  /** WebSocket close code; 1006 for a connection that broke or never was. */
  readonly code: number;
  readonly reason: string;
  /** The server's refusal that ended it, if there was one. */
  readonly refusal: BifrostError | null;
}

/** What a session tells its client. */
export interface SessionHandlers {
  opened(start: SessionStart): void;
  /** A verified frame that isn't the session's own business. */
  received(frame: FrameView): void;
  dropped(reason: DropReason | 'frame_payload_malformed'): void;
  ended(end: SessionEnd): void;
}

/** What HELLO says. */
export interface SessionHello {
  readonly resume: StreamPosition | null;
  readonly capabilities: yggdrasil.v1.Capabilities.$Shape | null;
}

/**
 * One connection, from HELLO to its end: proves who we are, verifies what comes, keeps the line alive, batches the
 * acknowledgements. It never reconnects.
 */
export class Session {
  readonly #channel: FrameChannel;
  readonly #socket: BifrostSocket;
  readonly #clock: Clock;
  readonly #handlers: SessionHandlers;
  #helloId = '';
  #state: 'connecting' | 'greeting' | 'open' | 'ended' = 'connecting';
  #refusal: BifrostError | null = null;
  #cancelTimer: () => void = () => {};
  #pingIntervalMs = 0;
  #silentIntervals = 0;
  #sentSincePing = false;
  #cancelAcknowledgement: (() => void) | null = null;
  #acknowledgeOffset = 0;
  #acknowledgeFrames = 0;

  constructor(
    options: { hello: SessionHello },
    dependencies: { channel: FrameChannel; socket: BifrostSocket; clock: Clock; handlers: SessionHandlers },
  ) {
    this.#channel = dependencies.channel;
    this.#socket = dependencies.socket;
    this.#clock = dependencies.clock;
    this.#handlers = dependencies.handlers;
    this.#cancelTimer = this.#clock.after(WELCOME_TIMEOUT_MS, () =>
      this.#end(1006, 'the server did not answer in time'),
    );
    const socket = this.#socket;
    let connectionError = '';
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#greet(options.hello);
    socket.onmessage = ({ data }) => this.#messageArrived(data);
    socket.onerror = ({ message }) => {
      connectionError = message ?? '';
    };
    socket.onclose = ({ code, reason }) => this.#end(code, reason || connectionError);
  }

  /** True between WELCOME and the end. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** Sends a frame. False: the session isn't open, or a TRANSIENT one found too much waiting in the socket. */
  send(frame: OutgoingFrame, id: string): boolean {
    if (!this.open) return false;
    const congested = this.#socket.bufferedAmount > SOCKET_BUFFER_BYTES_MAX;
    if (congested && frame.delivery === Delivery.TRANSIENT) return false;
    this.#transmit(frame, id);
    return true;
  }

  /** Everything up to `offset` was handled: tells the server, soon, together with what follows. */
  acknowledge(offset: number): void {
    this.#acknowledgeOffset = Math.max(this.#acknowledgeOffset, offset);
    this.#acknowledgeFrames++;
    if (this.#acknowledgeFrames >= ACKNOWLEDGE_FRAMES_MAX) this.#flushAcknowledgement();
    else {
      this.#cancelAcknowledgement ??= this.#clock.after(ACKNOWLEDGE_DELAY_MS, () =>
        this.#flushAcknowledgement(),
      );
    }
  }

  /** Ends the session from this side, after a last acknowledgement. */
  close(): void {
    if (this.#state === 'ended') return;
    this.#flushAcknowledgement();
    this.#end(1000, 'closed by the client');
  }

  #greet(hello: SessionHello): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'greeting';
    this.#helloId = this.#channel.newId();
    const payload = encodePayload(Hello, { resume: hello.resume, capabilities: hello.capabilities });
    this.#transmit({ type: FrameType.HELLO, delivery: Delivery.TRANSIENT, payload }, this.#helloId);
  }

  #messageArrived(data: unknown): void {
    if (this.#state === 'ended') return;
    this.#silentIntervals = 0;
    const opened = this.#channel.open(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0));
    if (!opened.ok) {
      this.#handlers.dropped(opened.reason);
      return;
    }
    const { frame } = opened;
    try {
      if (this.#state === 'greeting') this.#greeted(frame);
      else if (frame.header.type !== FrameType.PONG) this.#handlers.received(frame);
    } catch (error) {
      if ((error as { code?: string }).code !== 'frame_payload_malformed') throw error;
      this.#handlers.dropped('frame_payload_malformed');
    }
  }

  /** Before WELCOME only the answer to our HELLO counts. */
  #greeted(frame: FrameView): void {
    if (frame.header.correlationId !== this.#helloId) return;
    if (frame.header.type === FrameType.ERROR) {
      const { code, message } = decodeError(frame.payload);
      this.#refusal = new BifrostError(code, message);
      this.#end(1000, message);
    } else if (frame.header.type === FrameType.WELCOME) {
      const welcome = decodePayload(Welcome, frame.payload);
      this.#channel.nonces.raise(welcome.lastNonce);
      this.#cancelTimer();
      this.#state = 'open';
      this.#keepAlive(welcome.heartbeatIntervalMs);
      this.#handlers.opened({
        sessionId: welcome.sessionId,
        head: { epoch: welcome.head?.epoch ?? '', offset: welcome.head?.offset ?? 0 },
        recovered: welcome.recovered,
        sendWindow: welcome.sendWindow || OUTBOX_FRAMES_MAX,
      });
    }
  }

  /** A PING when we were silent; the end when the server was, for longer than its own interval. */
  #keepAlive(heartbeatIntervalMs: number): void {
    if (heartbeatIntervalMs <= 0) return;
    this.#pingIntervalMs = heartbeatIntervalMs * PING_INTERVAL_SHARE;
    const beat = () => {
      this.#silentIntervals++;
      if (this.#silentIntervals > Math.ceil(1 / PING_INTERVAL_SHARE))
        return this.#end(1006, 'the server is silent');
      if (!this.#sentSincePing || this.#silentIntervals > 1) {
        this.#transmit(
          { type: FrameType.PING, delivery: Delivery.TRANSIENT, payload: new Uint8Array(0) },
          this.#channel.newId(),
        );
      }
      this.#sentSincePing = false;
      this.#cancelTimer = this.#clock.after(this.#pingIntervalMs, beat);
    };
    this.#cancelTimer = this.#clock.after(this.#pingIntervalMs, beat);
  }

  #flushAcknowledgement(): void {
    this.#cancelAcknowledgement?.();
    this.#cancelAcknowledgement = null;
    if (this.#acknowledgeFrames === 0 || !this.open) return;
    this.#acknowledgeFrames = 0;
    this.#transmit(
      {
        type: FrameType.ACK,
        delivery: Delivery.TRANSIENT,
        payload: encodePayload(Ack, { offset: this.#acknowledgeOffset }),
      },
      this.#channel.newId(),
    );
  }

  #transmit(frame: OutgoingFrame, id: string): void {
    this.#sentSincePing = true;
    this.#socket.send(this.#channel.seal(frame, id));
  }

  #end(code: number, reason: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelTimer();
    this.#cancelAcknowledgement?.();
    // A socket that is still connecting reports its own closing as an error.
    this.#socket.onerror = () => {};
    this.#socket.close();
    this.#handlers.ended({ code, reason, refusal: this.#refusal });
  }
}
