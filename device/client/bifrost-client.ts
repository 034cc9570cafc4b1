import { Ack, Delivery, decodePayload, FrameType, type FrameView } from '../../proto/index.ts';
import { type ActTogetherOptions, actTogether, type TogetherRun } from './actions-together.ts';
import type { ActionRun, ActOptions } from './asked-actions.ts';
import { Connection, type ConnectionHandlers } from './connection.ts';
import { DeviceActions } from './device-actions.ts';
import { DeviceConnections, decodeConnectionState } from './device-connections.ts';
import { DeviceShadow } from './device-shadow.ts';
import { DirectPaths } from './direct/direct-paths.ts';
import type { DirectPathsSetup } from './direct/setup.ts';
import { dispatch } from './dispatch.ts';
import { BifrostError } from './errors.ts';
import { type FrameChannel, type OutgoingFrame, requireUuid } from './frame-channel.ts';
import type { ActionHandler, ActionHandlerOptions } from './incoming-actions.ts';
import { COMMAND_TIMEOUT_MS } from './limits.ts';
import { Listeners } from './listeners.ts';
import {
  capabilitiesShape,
  type DeviceCapabilities,
  type DeviceCommand,
  type DeviceCommandResult,
  type DeviceEvent,
  decodeCommandResult,
  decodeError,
  encodeCapabilities,
  encodeCommand,
  encodeCommandResult,
  encodeEvent,
  NO_CAPABILITIES,
  type ReceivedFrame,
  receivedFrame,
  SERVER_ID,
} from './messages.ts';
import { type Acceptance, Outbox } from './outbox.ts';
import type { PeerKeys } from './peer-keys.ts';
import { PendingCommands } from './pending-commands.ts';
import type { Clock, Random, SocketOpener } from './ports.ts';
import { SealKeyLookup } from './seal-key-lookup.ts';
import { SEAL_REFUSALS, type Sealing, type SealingSetup } from './sealing.ts';
import { Sender } from './sender.ts';
import type { SessionHello, SessionStart } from './session.ts';
import { type StreamPosition, StreamReader } from './stream-reader.ts';
import type { BifrostClientEvents, BifrostClientState } from './types.ts';

/** What the server answers with more than that a frame was taken. */
const ANSWERS: ReadonlySet<number> = new Set([FrameType.SHADOW, FrameType.ROUTES, FrameType.DIRECT_STATE]);

/**
 * A device's line to the server, over WebSocket: it reconnects by itself, goes on reading where it stopped, and sends
 * again what was not acknowledged. Make one with `createBifrostClient`.
 */
export class BifrostClient {
  readonly #channel: FrameChannel;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #listeners = new Listeners<BifrostClientEvents>();
  readonly #outbox = new Outbox();
  readonly #commands: PendingCommands;
  readonly #stream: StreamReader;
  /** Connections with other devices: asking, answering, withdrawing. */
  readonly connections: DeviceConnections;
  readonly #actions: DeviceActions;
  readonly #capabilities: DeviceCapabilities | null;
  /** What is wanted of this device, and what it says of itself. */
  readonly shadow: DeviceShadow;
  /** Keys of other devices: who this device seals for, and fingerprints to compare. */
  readonly peers: PeerKeys;
  readonly #sealing: Sealing;
  readonly #sender: Sender;
  readonly #sealKeys: SealKeyLookup;
  /** Direct paths to other devices, which what isn't stored takes where there is one. */
  readonly paths: DirectPaths;
  #droppedFrames = 0;

  constructor(
    options: { url: string; capabilities: DeviceCapabilities | null; resume: StreamPosition | null },
    dependencies: {
      channel: FrameChannel;
      openSocket: SocketOpener;
      clock: Clock;
      random: Random;
      setUpSealing: SealingSetup;
      direct: DirectPathsSetup;
    },
  ) {
    this.#capabilities = options.capabilities;
    this.#channel = dependencies.channel;
    this.#clock = dependencies.clock;
    this.#commands = new PendingCommands(dependencies.clock);
    this.#stream = new StreamReader(options.resume);
    this.connections = new DeviceConnections(
      (frame, signal) => this.request(frame, signal === undefined ? {} : { signal }),
      dependencies.clock,
    );
    this.#actions = new DeviceActions(
      {
        isOpen: () => this.#connection.state === 'open',
        request: (frame) => this.request(frame),
        sendTransient: (frame) => this.sendTransient(frame),
        report: (payload) => this.send({ type: FrameType.THOR_RESULT, payload }),
      },
      dependencies,
    );
    this.shadow = new DeviceShadow((frame) => this.request(frame));
    this.#sealKeys = new SealKeyLookup((frame) => this.request(frame));
    const { peers, sealing } = dependencies.setUpSealing({
      findKey: (deviceId) => this.#sealKeys.find(deviceId),
      isLimited: (deviceId) => this.connections.isLimitedTo(deviceId),
      shown: (key) => this.#listeners.emit('peerKey', key),
    });
    this.peers = peers;
    this.#sealing = sealing;
    this.paths = new DirectPaths({
      ...dependencies.direct,
      clock: dependencies.clock,
      isConnected: () => this.#connection.state === 'open',
      request: (frame) => this.request(frame),
      relay: (frame, id) => this.#connection.send(frame, id),
      received: (frame) => void this.#settleAndDispatch(receivedFrame(frame)),
      dropped: (reason) => this.#dropped({ reason }),
      changed: (status) => void this.#listeners.emit('path', status),
    });
    const parts = { outbox: this.#outbox, commands: this.#commands, sealing, paths: this.paths };
    this.#sender = new Sender({ ...parts, connection: () => this.#connection }, dependencies);
    this.#connection = new Connection(
      { url: options.url },
      {
        ...dependencies,
        handlers: this.#handlers(),
      },
    );
  }

  get state(): BifrostClientState {
    return this.#connection.state;
  }

  /** Where to go on reading: keep it and give it back as `resume` after a restart. */
  get position(): StreamPosition | null {
    return this.#stream.position;
  }

  /** Whether the running session began with nothing missing; null before the first. */
  get recovered(): boolean | null {
    return this.#connection.start?.recovered ?? null;
  }

  /** The last nonce used: keep it where the clock may go back, and give it back as `lastNonce`. */
  get lastNonce(): number {
    return this.#channel.nonces.last;
  }

  /** Frames that arrived and were not believed. */
  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /**
   * Listens. A STORED frame is acknowledged when all its listeners are done, the asynchronous ones too. Returns what
   * takes the listener away.
   */
  on<Name extends keyof BifrostClientEvents>(
    name: Name,
    listener: (detail: BifrostClientEvents[Name]) => unknown,
  ): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Connects and stays connected. Resolves at the first WELCOME; rejects when the server refuses for good
   * (`unauthenticated`, `session_replaced` ...) or at the signal.
   */
  connect(options: { signal?: AbortSignal } = {}): Promise<SessionStart> {
    return this.#connection.connect(options.signal);
  }

  /**
   * Sends a STORED frame; resolves when the server has stored it, rejects with the server's refusal. Without a
   * connection it waits; after a reconnect it is sent again under the same id. Rejects with `invalid_input` for an id
   * that is no UUID; either case will do.
   */
  async send(
    frame: Omit<OutgoingFrame, 'delivery'>,
    options: { signal?: AbortSignal } = {},
  ): Promise<Acceptance> {
    return this.#sender.submit(
      { ...frame, delivery: Delivery.STORED },
      this.#channel.newId(),
      true,
      options.signal,
    );
  }

  /**
   * Sends a TRANSIENT frame now or never. False: it was not sent, also where the key of its receiver is not known yet. Refuses what no
   * frame can hold, and ids, as `send` does.
   */
  sendTransient(frame: Omit<OutgoingFrame, 'delivery'>): boolean {
    return this.#sender.sendTransient(frame);
  }

  /**
   * Sends a frame that the server answers but does not store (PROVIDER_OFFER). Rejects with its refusal, with
   * `timed_out`, or with `session_lost` when the connection ends first.
   */
  async request(
    frame: Omit<OutgoingFrame, 'delivery'>,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Acceptance> {
    return this.#sender.request(frame, options);
  }

  /**
   * Publishes a reading or a state, stored: to the network, or to the group or device whose id is `to`. Without `measuredAtMs` it was
   * measured now.
   */
  publish(
    event: Omit<DeviceEvent, 'measuredAtMs'> & { measuredAtMs?: number },
    { to }: { to?: string } = {},
  ): Promise<Acceptance> {
    const payload = encodeEvent({ ...event, measuredAtMs: event.measuredAtMs ?? this.#clock.nowMs() });
    return this.send({ type: FrameType.EVENT, payload, ...(to === undefined ? {} : { destinationId: to }) });
  }

  /**
   * Asks another device of the network to do something. Resolves with its result, which may be an error of the
   * device's; rejects with the server's refusal, with `invalid_input` for an id that is no UUID, or with `timed_out` (it
   * may have been carried out all the same).
   */
  async command(
    deviceId: string,
    name: string,
    args: DeviceCommand['arguments'] = {},
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<DeviceCommandResult> {
    const id = this.#channel.newId();
    const payload = encodeCommand({ name, arguments: args });
    const destinationId = requireUuid(deviceId);
    const result = this.#commands.wait(
      id,
      destinationId,
      options.timeoutMs ?? COMMAND_TIMEOUT_MS,
      options.signal,
    );
    const frame = { type: FrameType.COMMAND, delivery: Delivery.STORED, payload, destinationId };
    this.#sender
      .submit(frame, id, true, options.signal)
      .catch((error: BifrostError) => this.#commands.settle(id, error));
    return result;
  }

  /** Answers a command that arrived; stored, so that the answer reaches a device that went offline meanwhile. */
  answer(command: Pick<ReceivedFrame, 'id' | 'sourceId'>, result: DeviceCommandResult): Promise<Acceptance> {
    return this.send({
      type: FrameType.COMMAND_RESULT,
      payload: encodeCommandResult(result),
      destinationId: command.sourceId,
      correlationId: command.id,
    });
  }

  /**
   * Asks another device for an action: it is kept by the server until its end, and reaches a device that is away within its time. Over
   * connections that end it goes on. Throws `invalid_input` for an id that is no UUID.
   */
  act(
    deviceId: string,
    name: string,
    args: DeviceCommand['arguments'] = {},
    options: ActOptions = {},
  ): ActionRun {
    return this.#actions.act(deviceId, name, args, options);
  }

  /**
   * Asks several devices as one: `need` says how many must have done it. Once that is decided the others are cancelled. The same `id` asks
   * for the same action again, which each device does once. Throws `invalid_input` for ids that are none, twice the same, or too many.
   */
  actTogether(
    deviceIds: readonly string[],
    name: string,
    args: DeviceCommand['arguments'] = {},
    options: ActTogetherOptions = {},
  ): TogetherRun {
    const asked = { id: options.id ?? this.#channel.newId(), deviceIds, name, arguments: args, options };
    return actTogether(asked, (...single) => this.#actions.act(...single));
  }

  /** Carries out actions of this name that others ask for; best before `connect`. Returns what takes the handler away. */
  onAction(name: string, handler: ActionHandler, options: ActionHandlerOptions = {}): () => void {
    const remove = this.#actions.on(name, handler, options);
    const capabilities = this.#announced();
    if (this.#connection.state === 'open' && capabilities !== null) {
      const payload = encodeCapabilities(capabilities);
      this.send({ type: FrameType.CAPABILITIES, payload }).catch(() => undefined);
    }
    return remove;
  }

  /** Ends the connection for good. What still waits is rejected with `client_closed`. */
  close(): void {
    this.#connection.close(new BifrostError('client_closed', 'The client was closed.'));
  }

  #handlers(): ConnectionHandlers {
    return {
      hello: () => this.#hello(),
      opened: (start) => this.#opened(start),
      received: (frame) => this.#frameReceived(frame),
      dropped: (detail) => this.#dropped(detail),
      interrupted: (end) => {
        this.paths.sessionEnded();
        this.#outbox.sessionEnded(
          new BifrostError('session_lost', 'The connection ended before the answer.'),
        );
        this.#listeners.emit('close', end);
      },
      closed: (error, end) => {
        this.paths.stop();
        this.#sealKeys.closed(error);
        this.#outbox.rejectAll(error);
        this.#commands.settleAll(error);
        this.#actions.closed(error);
        this.#listeners.emit('close', end);
      },
    };
  }

  #opened(start: SessionStart): void {
    this.#stream.begin(start.head);
    this.#outbox.sessionBegan(start.sendWindow);
    this.#sealing.opened();
    this.#sender.sendWaiting();
    this.#sealKeys.opened();
    this.#actions.opened();
    this.paths.sessionBegan();
    this.#listeners.emit('open', start);
  }

  #frameReceived(view: FrameView): void {
    const frame = receivedFrame(view);
    if (frame.streamOffset === 0) {
      if (!this.paths.arrivedByRelay(view)) return;
      this.#settleAndDispatch(frame);
      this.paths.handledByRelay(view);
      return;
    }
    const done = this.#stream.accept(frame.streamOffset);
    if (done === null) {
      // It came again because our acknowledgement was lost.
      this.#connection.acknowledge(this.#stream.handledOffset);
      return;
    }
    const finish = () => {
      done();
      this.#connection.acknowledge(this.#stream.handledOffset);
    };
    let unfinished: Promise<unknown>[] = [];
    try {
      unfinished = this.#settleAndDispatch(frame);
    } finally {
      // A payload that can't be read is done with, too: it would not get better by coming again.
      if (unfinished.length === 0) finish();
      else Promise.all(unfinished).then(finish);
    }
  }

  /** Settles what waits for this frame, then tells the listeners. Returns what the asynchronous ones promised. */
  #settleAndDispatch(received: ReceivedFrame): Promise<unknown>[] {
    const frame = this.#unsealed(received);
    if (frame === null) return [];
    const { type, payload, correlationId, sourceId } = frame;
    if (type === FrameType.ERROR) this.#settleWithError(frame);
    else if (correlationId !== null && type === FrameType.ACK && sourceId === SERVER_ID) {
      this.#outbox.resolve(correlationId, { offset: decodePayload(Ack, payload).offset });
    } else if (type === FrameType.CONNECTION_STATE && sourceId === SERVER_ID) {
      this.connections.told(decodeConnectionState(payload));
      if (correlationId !== null) this.#outbox.resolve(correlationId, { offset: 0, answer: payload.slice() });
    } else if (sourceId === SERVER_ID && this.#actions.received(type, payload)) {
      return dispatch(this.#listeners, frame);
    } else if (correlationId !== null && ANSWERS.has(type) && sourceId === SERVER_ID) {
      this.#outbox.resolve(correlationId, { offset: 0, answer: payload.slice() });
    } else if (sourceId === SERVER_ID && this.paths.told(type, payload)) {
      return dispatch(this.#listeners, frame);
    } else if (correlationId !== null && type === FrameType.COMMAND_RESULT) {
      if (this.#commands.isFor(correlationId, sourceId, frame.isSealed)) {
        this.#commands.settle(correlationId, decodeCommandResult(payload));
      }
    }
    if (sourceId === SERVER_ID && correlationId !== null) {
      this.#outbox.answered(correlationId);
      this.#sender.sendWaiting();
    }
    return dispatch(this.#listeners, frame);
  }

  /** A frame as its sender meant it; null: it is not taken, and who commanded something is told. */
  #unsealed(received: ReceivedFrame): ReceivedFrame | null {
    if (received.type === FrameType.CAPABILITIES) this.#sealing.doubt(received.sourceId);
    const opened = this.#sealing.open(received);
    if (opened.ok) return opened.frame;
    this.#dropped({ reason: opened.reason });
    this.#sender.refuse(received, opened);
    return null;
  }

  #dropped(detail: BifrostClientEvents['dropped']): void {
    this.#droppedFrames++;
    this.#listeners.emit('dropped', detail);
  }

  #hello(): SessionHello {
    const capabilities = this.#announced();
    return { resume: this.#stream.position, capabilities: capabilities && capabilitiesShape(capabilities) };
  }

  #announced(): DeviceCapabilities | null {
    const capabilities = this.#actions.listedIn(this.#capabilities);
    const { announcedKey } = this.#sealing;
    return announcedKey === null
      ? capabilities
      : { ...(capabilities ?? NO_CAPABILITIES), sealKey: announcedKey };
  }

  /** The server refuses a frame, or a device a command. */
  #settleWithError(frame: ReceivedFrame): void {
    const { correlationId, sourceId } = frame;
    const { code, message, lastNonce } = decodeError(frame.payload);
    const error = new BifrostError(code, message);
    const fromServer = sourceId === SERVER_ID;
    const isSealed = frame.isSealed || SEAL_REFUSALS.has(code);
    if (fromServer) this.#channel.nonces.raise(lastNonce);
    else if (SEAL_REFUSALS.has(code)) this.#sealing.doubt(sourceId);
    // Another program of this device was ahead: with a nonce above its last one the frame is new.
    if (fromServer && code === 'frame_replayed' && correlationId !== null) {
      if (this.#outbox.replayed(correlationId)) return;
    }
    const expected =
      correlationId !== null &&
      ((fromServer && this.#outbox.reject(correlationId, error)) ||
        ((fromServer || this.#commands.isFor(correlationId, sourceId, isSealed)) &&
          this.#commands.settle(correlationId, error)));
    if (!expected) this.#listeners.emit('error', { error, frame });
  }
}
