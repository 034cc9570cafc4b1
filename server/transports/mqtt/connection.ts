import type { DiscoveryService } from '../../domains/discovery/index.ts';
import { type DeliverySession, type Membership, relayError } from '../../domains/relay/index.ts';
import type { FollowedRights, TopicRights, TopicRightsService } from '../../domains/topic-rights/index.ts';
import type { TreeUse } from '../../domains/topics/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { MqttConnection } from '../../platform/mqtt/types.ts';
import type { DeviceChannel } from '../frames/device-channel.ts';
import { DeviceSession, type SessionDependencies } from '../frames/device-session.ts';
import { downTopic, isAllowedBy } from '../frames/topic-rules.ts';
import { WINDOW_FRAMES } from './limits.ts';
import { PlainDevice } from './plain-device.ts';
import { reasonOf, rightsChanged } from './reasons.ts';

/** What a device on MQTT needs. */
export interface MqttDeviceDependencies extends SessionDependencies {
  readonly discovery: Pick<DiscoveryService, 'announcesItself'>;
  readonly topicRights: Pick<TopicRightsService, 'find' | 'follow'>;
}

/** One MQTT connection of a device: CONNECT and SUBSCRIBE open its session, PUBACK acknowledges. */
export class MqttDevice implements DeviceChannel {
  readonly transport = 'mqtt';
  readonly windowFrames = WINDOW_FRAMES;
  readonly followsEveryNetwork = true;
  readonly acknowledgesItself = true;
  readonly endsAtFirstRefusal = false;
  readonly sessionFrames = null;
  readonly remoteAddress: string;
  readonly session: DeviceSession;
  /** What is to be done when a PUBACK's token comes back; null before the first. */
  #unacknowledged: Map<number, () => void> | null = null;
  #lastToken = 0;
  #connection: MqttConnection | null = null;
  #isSubscribed = false;
  /** The device as one that speaks JSON, in the network whose tree it sees; null: it sees none. */
  #plain: PlainDevice | null = null;
  readonly #dependencies: MqttDeviceDependencies;
  /** The network that it named; null: none. */
  readonly wantedNetworkId: string | null;
  /** False: it signed in with a name and a password, which are for plain MQTT alone. */
  readonly speaksFrames: boolean;
  #isOver = false;
  #followed: FollowedRights | null = null;
  #rights: TopicRights | null = null;

  constructor(
    remoteAddress: string,
    { wantedNetworkId, speaksFrames }: Pick<MqttDevice, 'wantedNetworkId' | 'speaksFrames'>,
    dependencies: MqttDeviceDependencies,
  ) {
    this.remoteAddress = remoteAddress;
    this.wantedNetworkId = wantedNetworkId;
    this.speaksFrames = speaksFrames;
    this.#dependencies = dependencies;
    this.session = new DeviceSession(this, dependencies);
  }

  /** The device as one that speaks JSON; null: it sees no network. */
  get plain(): PlainDevice | null {
    return this.#plain;
  }

  /** True: the device gets what is sent to it. */
  get hears(): boolean {
    return this.#isSubscribed;
  }

  get heardAtMs(): number {
    return this.#connection?.heardAtMs ?? 0;
  }

  /** CONNACK was sent. */
  attach(connection: MqttConnection): void {
    this.#connection = connection;
    if (this.session.ended) connection.close();
  }

  /**
   * The device sees the tree of this network until its connection is over, by the rights that it has there. Rejects where they can't be read.
   */
  async enter(home: Membership, use: TreeUse): Promise<void> {
    this.#entered(home.networkId, use);
    const { deviceId, tenantId } = this.session.actor;
    const { networkId, networkTenantId } = home;
    const device = { networkId, deviceId, isGuest: tenantId !== networkTenantId };
    const followed = this.#dependencies.topicRights.follow(device, () => this.session.end(rightsChanged()));
    this.#followed = followed;
    if (this.#isOver) this.#leave();
    this.#rights = await followed.rights;
  }

  /** True: its rights let it publish to this topic, or subscribe to this filter. Its own topics nobody can take from it. */
  isAllowed(action: keyof TopicRights, topic: string): boolean {
    const { deviceId } = this.session.actor;
    return this.#rights === null || isAllowedBy(this.#rights, { deviceId, action, topic });
  }

  #entered(networkId: NetworkId, use: TreeUse): void {
    const { session } = this;
    const { devices, discovery, clock, logger } = this.#dependencies;
    this.#plain = new PlainDevice(
      { networkId, use },
      {
        session,
        devices,
        discovery,
        follow: () => {
          if (!this.#isSubscribed) session.follow();
        },
        clock,
        logger,
        deliver: (topic, payload, qos, done) =>
          this.#connection?.deliverMatching(topic, payload, qos, this.#token(done)) === true,
      },
    );
    if (this.#isOver) this.#leave();
  }

  /** The device sees no network's tree but that of one it belongs to. */
  membershipsChanged(): void {
    if (this.#plain === null || this.session.memberships.has(this.#plain.home.networkId)) return;
    this.session.end(relayError('network_not_found'));
  }

  /** The connection is over. */
  closed(): void {
    this.#isOver = true;
    this.session.closed();
    this.#leave();
  }

  #leave(): void {
    this.#followed?.stop();
    this.#followed = null;
    this.#plain?.close();
    this.#plain?.home.use.release();
    this.#plain = null;
  }

  /** SUBACK was sent. */
  subscribed(): void {
    this.#isSubscribed = true;
    this.session.follow();
  }

  /** UNSUBSCRIBE came. */
  unsubscribed(): void {
    this.#isSubscribed = false;
    this.#unfollow();
  }

  /** The device has this filter of its tree. */
  subscribedInTree(filter: string, qos: 0 | 1 | 2): void {
    this.#plain?.subscribed(filter, qos);
    if (this.#plain?.hears === true && !this.#isSubscribed) this.session.follow();
  }

  /** It hasn't any more. */
  unsubscribedInTree(filter: string): void {
    const heard = this.#plain?.hears === true;
    this.#plain?.unsubscribed(filter);
    if (heard && this.#plain?.hears === false && !this.#isSubscribed) this.#unfollow();
  }

  #unfollow(): void {
    this.#unacknowledged?.clear();
    this.session.unfollow();
    // What it doesn't get as frames, it may want as JSON.
    if (this.#plain?.hears === true) this.session.follow();
  }

  /** A PUBACK came for what was sent with this token. */
  acknowledged(token: number): void {
    const done = this.#unacknowledged?.get(token);
    this.#unacknowledged?.delete(token);
    done?.();
  }

  /** A device may publish without SUBSCRIBE. */
  requireReady(): void {}

  send(frame: Uint8Array): boolean {
    // Who didn't subscribe doesn't want to hear.
    if (!this.#isSubscribed) return this.#plain?.hears !== true || this.#plain.send(frame);
    return this.#connection?.deliver(downTopic(this.session.actor.deviceId), frame) === true;
  }

  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean {
    if (!this.#isSubscribed && this.#plain?.hears === true) {
      return this.#plain.sendStored(frame, streamOffset, delivery);
    }
    const token = this.#token(() => this.session.acknowledge(delivery.networkId, streamOffset));
    return this.#connection?.deliver(downTopic(this.session.actor.deviceId), frame, token) === true;
  }

  #token(done: () => void): number {
    const token = ++this.#lastToken;
    this.#unacknowledged ??= new Map();
    this.#unacknowledged.set(token, done);
    return token;
  }

  /** MQTT 3.1.1 can't say why [MQTT-4.8.0-1]: the reason is in the log. */
  close(reason: AppError): void {
    this.#unacknowledged?.clear();
    this.#connection?.close(reasonOf(reason));
  }
}
