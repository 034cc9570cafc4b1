import {
  Ack,
  Capabilities,
  encodePayload,
  FrameType,
  type FrameView,
  Hello,
  Welcome,
} from '../../../proto/index.ts';
import type { DeviceCapabilities } from '../../domains/devices/index.ts';
import type { ProviderLink } from '../../domains/providers/index.ts';
import {
  type DeliverySession,
  type Peer,
  relayError,
  type StreamPosition,
} from '../../domains/relay/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Socket, SocketHandler } from '../../platform/websocket/types.ts';
import { errorTable, logRefusal, toAppError } from '../error-table.ts';
import { type FrameAnswer, type FrameServices, payloadOf } from '../frames/frame-handler.ts';
import { capabilitiesOf } from '../frames/frame-handlers.ts';
import type { Frames } from '../frames/frames.ts';
import type { Connection } from '../pipeline/pipeline.ts';
import { decodeFrame } from './decode-frame.ts';
import { errorAnswer } from './error-frame.ts';
import { HELLO_TIMEOUT_MS, WAITING_BYTES_MAX, WAITING_FRAMES_MAX, WINDOW_FRAMES } from './limits.ts';
import { createProviderLink } from './provider-link.ts';
import { WrongFrames } from './wrong-frames.ts';

/** Frames of the session itself: they say nothing about whether a device gets its other frames right. */
const SESSION_FRAME_TYPES: ReadonlySet<FrameType> = new Set([FrameType.HELLO, FrameType.ACK, FrameType.PING]);

/** What a connection needs, the same for all. */
export interface ConnectionDependencies extends FrameServices {
  readonly frames: Frames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
}

/**
 * One WebSocket of a device: its token says who it is, HELLO opens its session, then frames go to their handlers. Until
 * the device is known and while the session opens, frames wait in order. Ends with `unauthenticated` where nobody has the
 * token.
 */
export class BifrostConnection implements SocketHandler {
  readonly #socket: Socket;
  readonly #dependencies: ConnectionDependencies;
  readonly #connection: Connection;
  readonly #cancelHelloTimeout: () => void;
  #peer: Peer | null = null;
  #session: DeliverySession | null = null;
  #providerLink: ProviderLink | null = null;
  /** Until the device is known, and again while its session opens: frames wait. */
  #isOpening = true;
  #waiting: { readonly message: Uint8Array; readonly isBinary: boolean }[] = [];
  #waitingBytes = 0;
  readonly #wrongFrames = new WrongFrames();
  #closed = false;

  constructor(socket: Socket, token: string | null, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    this.#connection = { remoteAddress: socket.remoteAddress, requestId: null };
    this.#cancelHelloTimeout = dependencies.clock.after(HELLO_TIMEOUT_MS, () => {
      if (this.#session !== null) return;
      // A device that has said what it must waits for us.
      this.#end(this.#isOpening ? relayError('unavailable') : helloRequired());
    });
    void this.#connect(token);
  }

  /** A message came. The bytes are copied if they must wait. */
  received(message: Uint8Array, isBinary: boolean): void {
    if (this.#closed) return;
    if (!this.#isOpening) {
      this.#handle(message, isBinary);
      return;
    }
    this.#waitingBytes += message.length;
    if (this.#waiting.length < WAITING_FRAMES_MAX && this.#waitingBytes <= WAITING_BYTES_MAX) {
      this.#waiting.push({ message: message.slice(), isBinary });
    } else {
      this.#end(new AppError('rate_limited', 'rate_limited', 'Too much before WELCOME.'));
    }
  }

  /** The socket is gone. */
  closed(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#cancelHelloTimeout();
    const peer = this.#peer;
    if (peer === null) return;
    this.#peer = null;
    const { relay, providers } = this.#dependencies;
    if (this.#session !== null) relay.closeSession(this.#session);
    if (this.#providerLink !== null) providers.disconnected(peer.actor.deviceId, this.#providerLink);
    relay.disconnected(peer);
    this.#recordSeen(peer);
  }

  async #connect(token: string | null): Promise<void> {
    const { frames, relay, logger } = this.#dependencies;
    try {
      const { peer } = await frames.connect({
        token,
        connection: this.#connection,
        close: (reason) => this.#end(reason),
      });
      if (this.#closed) relay.disconnected(peer);
      else {
        this.#peer = peer;
        this.#handleWaiting();
      }
    } catch (cause) {
      const error = toAppError(cause);
      const { remoteAddress } = this.#socket;
      logRefusal(logger, error, { operation: 'bifrost.connect', remoteAddress }, 'connection refused');
      this.#end(error);
    }
  }

  /** Handles what waited, up to a HELLO, which makes the rest wait again. */
  #handleWaiting(): void {
    this.#isOpening = false;
    while (!this.#isOpening && !this.#closed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.message.length;
      this.#handle(next.message, next.isBinary);
    }
  }

  #handle(message: Uint8Array, isBinary: boolean): void {
    const peer = this.#peer;
    if (peer === null) return;
    let frame: FrameView | null = null;
    try {
      if (!isBinary) throw relayError('frame_malformed');
      frame = decodeFrame(message);
      this.#dependencies.relay.accept(peer, frame);
      const { type } = frame.header;
      if (this.#session === null && type !== FrameType.HELLO) throw helloRequired();
      this.#dispatch(peer, frame);
    } catch (error) {
      this.#refuse(error, frame);
    }
  }

  #dispatch(peer: Peer, frame: FrameView): void {
    const handled = this.#dependencies.frames.handle({
      peer,
      frame,
      connection: this.#connection,
      providerLink: this.#linkOfProvider(peer, frame),
      session: this.#sessionFrames,
    });
    const done = (answer: FrameAnswer) => {
      if (!SESSION_FRAME_TYPES.has(frame.header.type)) this.#wrongFrames.accepted();
      if (answer !== null) this.#answer(frame, answer);
    };
    if (handled instanceof Promise) {
      handled.then(done).catch((error: unknown) => this.#refuse(error, frame));
    } else done(handled);
  }

  readonly #sessionFrames = {
    hello: (frame: FrameView) => this.#hello(frame),
    acknowledge: (frame: FrameView) => this.#acknowledge(frame),
  };

  #hello(frame: FrameView): Promise<FrameAnswer> {
    const peer = this.#peer;
    if (peer === null || this.#session !== null) {
      throw relayError('frame_type_unexpected');
    }
    const hello = payloadOf(Hello, frame);
    const resume: StreamPosition | null = hello.resume
      ? { epoch: hello.resume.epoch ?? '', offset: hello.resume.offset ?? 0 }
      : null;
    const { capabilities } = hello;
    this.#isOpening = true;
    return this.#open(
      peer,
      frame,
      resume,
      capabilities ? capabilitiesOf(new Capabilities(capabilities)) : null,
    );
  }

  async #open(
    peer: Peer,
    frame: FrameView,
    resume: StreamPosition | null,
    capabilities: DeviceCapabilities | null,
  ): Promise<FrameAnswer> {
    const { relay, devices, heartbeatIntervalMs } = this.#dependencies;
    const channel = {
      windowFrames: WINDOW_FRAMES,
      deliver: (bytes: Uint8Array) => this.#socket.send(bytes) !== 'dropped',
    };
    const networkId = frame.header.networkId as NetworkId;
    if (capabilities !== null) await devices.updateCapabilities(peer.actor, capabilities);
    const { session, head, recovered } = await relay.openSession(peer, networkId, channel, resume);
    if (this.#closed) {
      relay.closeSession(session);
      return null;
    }
    this.#session = session;
    this.#cancelHelloTimeout();
    const welcome = encodePayload(Welcome, {
      sessionId: session.id,
      head,
      recovered,
      heartbeatIntervalMs,
      lastNonce: relay.lastNonce(peer),
    });
    this.#answer(frame, { type: FrameType.WELCOME, payload: welcome });
    session.start();
    this.#recordSeen(peer);
    this.#handleWaiting();
    return null;
  }

  /** When it was last here is worth a line in the log when it can't be written, not the session. */
  #recordSeen({ actor }: Peer): void {
    const { devices, logger } = this.#dependencies;
    devices.recordSeen(actor).catch((error: unknown) => {
      logger.warn({ operation: 'devices.seen', error }, 'not recorded');
    });
  }

  #acknowledge(frame: FrameView): void {
    const { offset } = payloadOf(Ack, frame);
    if (this.#session?.acknowledge(offset) !== true) {
      throw new AppError('invalid', 'invalid_input', 'The offset was never sent to this device.');
    }
  }

  /** The way to this device for requests, made with its first frame. */
  #linkOfProvider(peer: Peer, { header }: FrameView): ProviderLink {
    this.#providerLink ??= createProviderLink(
      (type, payload) =>
        !this.#closed &&
        this.#socket.send(
          this.#dependencies.relay.makeFrame(peer, { type, networkId: header.networkId, payload }),
        ) !== 'dropped',
    );
    return this.#providerLink;
  }

  #answer(frame: FrameView, answer: { type: FrameType; payload: Uint8Array }): void {
    this.#send(frame.header.networkId, answer, frame.header.id);
  }

  #send(
    networkId: string,
    { type, payload }: { type: FrameType; payload: Uint8Array },
    correlationId: string | null,
  ): void {
    if (this.#closed || this.#peer === null) return;
    const bytes = this.#dependencies.relay.makeFrame(this.#peer, { type, networkId, payload, correlationId });
    if (this.#socket.send(bytes) === 'dropped') {
      this.#end(relayError('consumer_too_slow'));
    }
  }

  #refuse(cause: unknown, frame: FrameView | null): void {
    if (this.#closed) return;
    const { logger } = this.#dependencies;
    const error = toAppError(cause);
    const fields = {
      operation: 'bifrost.frames.receive',
      deviceId: this.#peer?.actor.deviceId,
      frameType: frame?.header.type ?? null,
    };
    logRefusal(logger, error, fields, 'frame refused');
    const networkId = frame?.header.networkId ?? this.#session?.networkId ?? NO_NETWORK;
    this.#send(networkId, errorAnswer(error), frame?.header.id ?? null);
    const tooMany = this.#wrongFrames.refused(error);
    if (this.#session === null) this.#end(error);
    else if (tooMany) {
      this.#end(new AppError('invalid', 'too_many_errors', 'Too many wrong frames.'));
    }
  }

  #end(reason: AppError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#socket.close(errorTable[reason.kind].webSocketCloseCode, reason.code);
  }
}

/** The network of an ERROR frame that answers bytes no network could be read from. */
const NO_NETWORK = '00000000-0000-0000-0000-000000000000';

function helloRequired(): AppError {
  return new AppError('invalid', 'hello_required', 'The first frame of a session is HELLO.');
}
