import { Delivery, FrameType, type FrameView } from '../../../proto/index.ts';
import type { DeviceIdentity } from '../../domains/devices/index.ts';
import type { Arrival, ConnectionRegistry } from '../../domains/presence/index.ts';
import type { RefusalService } from '../../domains/refusals/index.ts';
import {
  type DeliverySession,
  type MadeFrame,
  NIL_UUID,
  type Peer,
  relayError,
  type StreamPosition,
} from '../../domains/relay/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { LogFields, Logger } from '../../kernel/logger.ts';
import { toAppError } from '../error-table.ts';
import type { Connection } from '../pipeline/pipeline.ts';
import { asksForAnswer } from './answered-frames.ts';
import { decodeFrame } from './decode-frame.ts';
import type { DeviceChannel } from './device-channel.ts';
import { errorAnswer } from './error-frame.ts';
import type { FrameAnswer, FrameServices } from './frame-handler.ts';
import type { ConnectionAttempt, Frames } from './frames.ts';
import { SEND_WINDOW_FRAMES } from './limits.ts';
import { RefusalLog } from './refusal-log.ts';
import { WrongFrames } from './wrong-frames.ts';

/** What every session needs. */
export interface SessionDependencies extends FrameServices {
  readonly frames: Frames;
  readonly connections: ConnectionRegistry;
  readonly refusals: Pick<RefusalService, 'note'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A message that was refused. */
export interface RefusedMessage {
  readonly error: AppError;
  /** True: its sender counts on it being kept. False: a TRANSIENT frame, which may be lost. */
  readonly isCountedOn: boolean;
}

/** Where a network's stream stood when the device was subscribed to it. */
export interface Subscription {
  readonly delivery: DeliverySession;
  readonly head: StreamPosition;
  readonly recovered: boolean;
}

/**
 * A connected device, over any channel: who it is, the networks it follows, the frames it sends and acknowledges, the end.
 * In this order: `connect`, `subscribe` or `follow`, `receive` and `acknowledge`, `end` or `closed`.
 */
export class DeviceSession {
  readonly #channel: DeviceChannel;
  readonly #dependencies: SessionDependencies;
  readonly #deliveries = new Map<NetworkId, DeliverySession>();
  readonly #wrongFrames = new WrongFrames();
  #refusals: RefusalLog | null = null;
  /** Where it came from, for the pipeline: one object for the whole connection. */
  readonly #connection: Connection;
  #peer: Peer | null = null;
  #release: () => void = () => {};
  /** Frames that are stored or looked into at this moment. */
  #unanswered = 0;
  #follows = false;
  #isOpening = false;
  #heardAtMs: number;
  #ended = false;

  constructor(channel: DeviceChannel, dependencies: SessionDependencies) {
    this.#channel = channel;
    this.#connection = { remoteAddress: channel.remoteAddress, requestId: null };
    this.#dependencies = dependencies;
    this.#heardAtMs = dependencies.clock.nowMs();
  }

  /** True when the connection is over, whoever ended it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The connected device. Throws before `connect`. */
  get actor(): DeviceActor {
    return this.#requirePeer().actor;
  }

  /** The networks that the device belongs to at this moment. Throws before `connect`. */
  get memberships(): Peer['memberships'] {
    return this.#requirePeer().memberships;
  }

  /** True: the device may publish to this topic. */
  mayPublish(topic: string): boolean {
    return this.#dependencies.frames.mayPublish(this.actor, topic, this.#connection);
  }

  /** True: the device may subscribe to this topic. */
  maySubscribe(topic: string): boolean {
    return this.#dependencies.frames.maySubscribe(this.actor, topic, this.#connection);
  }

  /** True: the device may publish to this topic of its network's tree. */
  mayPublishInTree(topic: string): boolean {
    return this.#dependencies.frames.mayPublishInTree(this.actor, topic, this.#connection);
  }

  /** True: the device may subscribe to this filter of its network's tree. */
  maySubscribeInTree(topicFilter: string): boolean {
    return this.#dependencies.frames.maySubscribeInTree(this.actor, topicFilter, this.#connection);
  }

  /** True: the device publishes there what the server makes a frame of, and nobody else reads: a command, a result. */
  mayPublishPlain(topic: string): boolean {
    return this.#dependencies.frames.mayPublishPlain(this.actor, topic, this.#connection);
  }

  /** The highest nonce that came from the device. */
  get lastNonce(): number {
    return this.#peer === null ? 0 : this.#dependencies.relay.lastNonce(this.#peer);
  }

  /**
   * Finds out who has this token, and lets that device in: its frames are accepted from then on. Refuses with
   * `unauthenticated` a token that no device has, or another than `username`, and a device that was removed meanwhile.
   */
  async connect(token: string | null, username?: string): Promise<void> {
    await this.#arrive({ token, ...(username === undefined ? {} : { username }) });
  }

  /** Lets in the device of this id, whose credentials a broker of the operator's has looked at. Refuses as `connect` does. */
  async connectVouched(vouchedFor: DeviceId): Promise<void> {
    await this.#arrive({ token: null, vouchedFor });
  }

  /** Lets in the device that has this name and password. Refuses as `connect` does, and as the devices' `authenticateLogin`. */
  async connectByLogin(name: string, password: string): Promise<void> {
    await this.#arrive({ token: null, login: { name, password } });
  }

  async #arrive(
    shown: Pick<ConnectionAttempt, 'token' | 'username' | 'vouchedFor' | 'login'>,
  ): Promise<void> {
    const arrival = this.#dependencies.connections.arrive();
    try {
      await this.#dependencies.frames.connect({
        ...shown,
        connection: this.#connection,
        admit: (identity) => this.#admit(identity, arrival),
      });
    } finally {
      arrival.leave();
    }
  }

  async #admit(identity: DeviceIdentity, arrival: Arrival): Promise<void> {
    if (this.#ended) return;
    const { relay } = this.#dependencies;
    // Noted first: who is removed later than this is found here and cut off.
    this.#release = arrival.register({
      kind: this.#channel.transport,
      actor: identity.actor,
      concerns: (networkId) => this.#peer?.memberships.has(networkId) === true,
      heardAtMs: () => Math.max(this.#heardAtMs, this.#channel.heardAtMs ?? 0),
      end: (reason) => this.end(reason),
    });
    try {
      const peer = await relay.connected(identity, {
        close: (reason) => this.end(reason),
        membershipsChanged: () => this.#membershipsChanged(),
      });
      if (this.#ended) relay.disconnected(peer);
      else this.#peer = peer;
    } catch (error) {
      this.#release();
      throw error;
    }
    if (!this.#ended) this.#recordSeen();
  }

  /** Opens delivery from one network. Nothing is sent before `delivery.start`. Refuses as the relay's `openSession` does. */
  async subscribe(networkId: NetworkId, resume: StreamPosition | null): Promise<Subscription> {
    const peer = this.#requirePeer();
    const { relay } = this.#dependencies;
    const channel = {
      windowFrames: this.#channel.windowFrames,
      deliver: (frame: Uint8Array, streamOffset: number) =>
        streamOffset === 0
          ? this.#channel.send(frame)
          : this.#channel.sendStored(frame, streamOffset, delivery),
    };
    const { session: delivery, head, recovered } = await relay.openSession(peer, networkId, channel, resume);
    if (this.#ended || !peer.memberships.has(networkId)) {
      relay.closeSession(delivery);
      throw relayError(this.#ended ? 'unauthenticated' : 'network_not_found');
    }
    this.#deliveries.set(networkId, delivery);
    return { delivery, head, recovered };
  }

  /** Delivers from every network of the device from now on, each from where the device stopped. */
  follow(): void {
    this.#follows = true;
    if (!this.#isOpening) void this.#openMissing();
  }

  /** Ends delivery; the connection stays. */
  unfollow(): void {
    this.#follows = false;
    this.#closeDeliveries();
  }

  /**
   * A message from the device. Resolves when it is dealt with: null, or that it was refused. The bytes are needed during the
   * call only.
   */
  async receive(bytes: Uint8Array): Promise<RefusedMessage | null> {
    if (this.#ended) return { error: relayError('unavailable'), isCountedOn: true };
    this.#heardAtMs = this.#dependencies.clock.nowMs();
    let frame: FrameView | null = null;
    let accepted: 'new' | 'repeated' | null = null;
    try {
      const peer = this.#requirePeer();
      frame = decodeFrame(bytes);
      accepted = this.#dependencies.relay.accept(peer, frame);
      const handled = this.#handle(peer, frame, accepted === 'repeated');
      const answer = handled instanceof Promise ? await this.#whenAnswered(frame, handled) : handled;
      this.#wrongFrames.accepted();
      if (answer !== null) this.#answer(frame, answer);
      return null;
    } catch (error) {
      const isCountedOn = frame?.header.delivery !== Delivery.TRANSIENT;
      return { error: this.#refuse(error, frame, accepted === 'new'), isCountedOn };
    }
  }

  async #whenAnswered({ header }: FrameView, handled: Promise<FrameAnswer>): Promise<FrameAnswer> {
    const places = asksForAnswer(header) ? 1 : 0;
    this.#unanswered += places;
    try {
      return await handled;
    } finally {
      this.#unanswered -= places;
    }
  }

  /**
   * Handles a frame that the server makes of what the device said without signing. Resolves with its answer when it is dealt with.
   * Refuses as the frame's operation does, and with `network_not_found` and `unavailable`.
   */
  async submit(made: MadeFrame): Promise<FrameAnswer> {
    const peer = this.#requirePeer();
    if (this.#ended) throw relayError('unavailable');
    if (!peer.memberships.has(made.networkId as NetworkId)) throw relayError('network_not_found');
    return await this.#dependencies.frames.handle({
      peer,
      frame: this.#dependencies.relay.makeFor(peer, made),
      isRepetition: false,
      connection: this.#connection,
      session: null,
    });
  }

  /** Notes what the device was refused of what it published without signing. */
  refusedPlain(topic: string, error: AppError): void {
    if (this.#ended) return;
    const { deviceId } = this.actor;
    this.#logRefusal(error, { operation: 'mqtt.plain', transport: 'mqtt', deviceId, topic });
  }

  /** The device has handled a network's stream up to this offset. False: it acknowledges what it was never sent. */
  acknowledge(networkId: NetworkId, streamOffset: number): boolean {
    return this.#deliveries.get(networkId)?.acknowledge(streamOffset) === true;
  }

  /** Refuses a message that is no frame. */
  refuse(error: AppError): void {
    if (!this.#ended) this.#refuse(error, null, false);
  }

  /** Ends the connection and tells the device why. */
  end(reason: AppError): void {
    if (this.#ended) return;
    const ended = { operation: 'devices.end', transport: this.#channel.transport, code: reason.code };
    this.#dependencies.logger.info({ ...ended, deviceId: this.#peer?.actor.deviceId }, 'ended');
    this.closed();
    this.#channel.close(reason);
  }

  /** The connection is over: gives back everything that it had. */
  closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#refusals?.close();
    this.#release();
    const peer = this.#peer;
    if (peer === null) return;
    this.#closeDeliveries();
    this.#dependencies.relay.disconnected(peer);
    this.#recordSeen();
  }

  #handle(peer: Peer, frame: FrameView, isRepetition: boolean): FrameAnswer | Promise<FrameAnswer> {
    this.#channel.requireReady(frame.header.type);
    if (this.#unanswered >= SEND_WINDOW_FRAMES && asksForAnswer(frame.header))
      throw relayError('window_exceeded');
    return this.#dependencies.frames.handle({
      peer,
      frame,
      isRepetition,
      connection: this.#connection,
      session: this.#channel.sessionFrames,
    });
  }

  #answer({ header }: FrameView, answer: NonNullable<FrameAnswer>): void {
    if (answer.type === FrameType.ACK && this.#channel.acknowledgesItself) return;
    if (!this.#send(header.networkId, answer, header.id)) this.end(relayError('consumer_too_slow'));
    if (!this.#ended) answer.sent?.();
  }

  #send(networkId: string, answer: NonNullable<FrameAnswer>, correlationId: string | null): boolean {
    if (this.#ended || this.#peer === null) return true;
    const { type, payload } = answer;
    const frame = { type, payload, networkId, correlationId };
    return this.#channel.send(this.#dependencies.relay.makeFrame(this.#peer, frame));
  }

  /** `isAccepted`: the frame's nonce is used up for it. */
  #refuse(cause: unknown, frame: FrameView | null, isAccepted: boolean): AppError {
    const error = toAppError(cause);
    if (isAccepted && frame !== null && this.#peer !== null) {
      this.#dependencies.relay.refused(this.#peer, frame, error);
    }
    if (this.#ended) return error;
    const fields = {
      operation: 'frames.receive',
      transport: this.#channel.transport,
      deviceId: this.#peer?.actor.deviceId,
      frameType: frame?.header.type ?? null,
    };
    this.#logRefusal(error, fields);
    const [ownNetworkId] = this.#deliveries.keys();
    const networkId = frame?.header.networkId ?? ownNetworkId ?? NIL_UUID;
    this.#send(networkId, errorAnswer(error), frame?.header.id ?? null);
    const tooMany = this.#wrongFrames.refused(error);
    const endsIt = error.code === 'window_exceeded' || this.#channel.endsAtFirstRefusal;
    if (endsIt) this.end(error);
    else if (tooMany) this.end(new AppError('invalid', 'too_many_errors', 'Too many wrong frames.'));
    return error;
  }

  #logRefusal(refused: AppError, fields: LogFields): void {
    this.#refusals ??= new RefusalLog(this.#dependencies, (error, { topic }, count) =>
      this.#noteRefusal(error, typeof topic === 'string' ? topic : null, count),
    );
    this.#refusals.add(refused, fields);
  }

  /** For the device's owner: what the log says is not for it. */
  #noteRefusal({ code, publicMessage }: AppError, topic: string | null, count: number): void {
    if (this.#peer === null) return;
    const told = { transport: this.#channel.transport, topic, code, reason: publicMessage, count };
    this.#dependencies.refusals.note(this.#peer.actor, told);
  }

  /** Opens what the device follows and is not open, until nothing is missing, whatever changes meanwhile. */
  async #openMissing(): Promise<void> {
    this.#isOpening = true;
    try {
      for (let missing = this.#missing(); missing !== undefined; missing = this.#missing()) {
        await this.#openAndStart(missing);
      }
    } catch (error) {
      this.end(this.#refuse(error, null, false));
    } finally {
      this.#isOpening = false;
    }
  }

  #missing(): NetworkId | undefined {
    if (!this.#follows || this.#ended) return undefined;
    const followed = [...this.#requirePeer().memberships.keys()];
    return followed.find((networkId) => !this.#deliveries.has(networkId));
  }

  async #openAndStart(networkId: NetworkId): Promise<void> {
    try {
      const { delivery } = await this.subscribe(networkId, null);
      if (this.#follows) delivery.start();
      else this.#closeDeliveries();
    } catch (error) {
      // The device has left the network meanwhile: nothing is missing.
      if (this.#requirePeer().memberships.has(networkId)) throw error;
    }
  }

  #membershipsChanged(): void {
    const peer = this.#peer;
    if (peer === null || this.#ended) return;
    this.#channel.membershipsChanged?.();
    let isLost = false;
    for (const networkId of [...this.#deliveries.keys()]) {
      if (peer.memberships.has(networkId)) continue;
      this.#deliveries.delete(networkId);
      this.#send(networkId, errorAnswer(relayError('network_not_found')), null);
      isLost = true;
    }
    if (this.#channel.followsEveryNetwork) {
      if (this.#follows) this.follow();
    } else if (isLost) this.end(relayError('network_not_found'));
  }

  #closeDeliveries(): void {
    for (const delivery of this.#deliveries.values()) this.#dependencies.relay.closeSession(delivery);
    this.#deliveries.clear();
  }

  /** When it was last here is worth a line in the log when it can't be written, not the session. */
  #recordSeen(): void {
    if (this.#peer === null) return;
    const { devices, logger } = this.#dependencies;
    devices.recordSeen(this.#peer.actor).catch((error: unknown) => {
      logger.warn({ operation: 'devices.seen', error }, 'not recorded');
    });
  }

  #requirePeer(): Peer {
    if (this.#peer === null) throw relayError('unauthenticated');
    return this.#peer;
  }
}
