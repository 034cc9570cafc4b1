import type { DeliverySession } from '../../domains/relay/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { MqttConnection } from '../../platform/mqtt/types.ts';
import type { DeviceChannel } from '../frames/device-channel.ts';
import { DeviceSession, type SessionDependencies } from '../frames/device-session.ts';
import { downTopic } from '../frames/topics.ts';
import { WINDOW_FRAMES } from './limits.ts';

/** One MQTT connection of a device: CONNECT and SUBSCRIBE open its session, PUBACK acknowledges. */
export class MqttDevice implements DeviceChannel {
  readonly transport = 'mqtt';
  readonly windowFrames = WINDOW_FRAMES;
  readonly carriesProviders = false;
  readonly followsEveryNetwork = true;
  readonly acknowledgesItself = true;
  readonly endsAtFirstRefusal = false;
  readonly sessionFrames = null;
  readonly remoteAddress: string;
  readonly session: DeviceSession;
  /** What a PUBACK's token stands for. */
  readonly #unacknowledged = new Map<number, { delivery: DeliverySession; streamOffset: number }>();
  #lastToken = 0;
  #connection: MqttConnection | null = null;
  #isSubscribed = false;

  constructor(remoteAddress: string, dependencies: SessionDependencies) {
    this.remoteAddress = remoteAddress;
    this.session = new DeviceSession(this, dependencies);
  }

  /** True: the device gets what is sent to it. */
  get hears(): boolean {
    return this.#isSubscribed;
  }

  /** CONNACK was sent. */
  attach(connection: MqttConnection): void {
    this.#connection = connection;
    if (this.session.ended) connection.close();
  }

  /** SUBACK was sent. */
  subscribed(): void {
    this.#isSubscribed = true;
    this.session.follow();
  }

  /** UNSUBSCRIBE came. */
  unsubscribed(): void {
    this.#isSubscribed = false;
    this.#unacknowledged.clear();
    this.session.unfollow();
  }

  /** A PUBACK came for what was sent with this token. */
  acknowledged(token: number): void {
    const sent = this.#unacknowledged.get(token);
    if (sent === undefined) return;
    this.#unacknowledged.delete(token);
    this.session.acknowledge(sent.delivery.networkId, sent.streamOffset);
  }

  /** A device may publish without SUBSCRIBE. */
  requireReady(): void {}

  send(frame: Uint8Array): boolean {
    // Who didn't subscribe doesn't want to hear.
    if (!this.#isSubscribed) return true;
    return this.#connection?.deliver(downTopic(this.session.actor.deviceId), frame) === true;
  }

  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean {
    const token = ++this.#lastToken;
    this.#unacknowledged.set(token, { delivery, streamOffset });
    return this.#connection?.deliver(downTopic(this.session.actor.deviceId), frame, token) === true;
  }

  /** MQTT 3.1.1 can't say why [MQTT-4.8.0-1]: the reason is in the log. */
  close(_reason: AppError): void {
    this.#unacknowledged.clear();
    this.#connection?.close();
  }
}
