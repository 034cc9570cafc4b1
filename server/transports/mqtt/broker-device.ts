import { readFrame } from '../../../proto/index.ts';
import { type DeliverySession, relayError } from '../../domains/relay/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import type { ForeignBroker, ForeignPublication } from '../../platform/mqtt/foreign-broker/types.ts';
import { toAppError } from '../error-table.ts';
import type { DeviceChannel } from '../frames/device-channel.ts';
import { DeviceSession } from '../frames/device-session.ts';
import { deviceTopics, downTopic, isAllowedBy, mountpointOf } from '../frames/topic-rules.ts';
import type { BrokerTopic } from './broker-topics.ts';
import type { MqttDeviceDependencies } from './connection.ts';
import { WINDOW_FRAMES } from './limits.ts';
import { isOurs, PlainDevice } from './plain-device.ts';
import { topicForbidden } from './reasons.ts';

/** What a device at a broker of somebody else's needs. */
export interface BrokerDeviceDependencies extends MqttDeviceDependencies {
  readonly broker: Pick<ForeignBroker, 'publish'>;
}

const nothing = (): void => undefined;

/**
 * A device that is connected with a broker of somebody else's: what it says there comes in its name, since the broker lets nobody
 * else publish under its id, and what is for it is published there. PUBACK of the broker acknowledges.
 */
export class BrokerDevice implements DeviceChannel {
  readonly transport = 'mqtt';
  readonly windowFrames = WINDOW_FRAMES;
  readonly followsEveryNetwork = true;
  readonly acknowledgesItself = true;
  readonly endsAtFirstRefusal = false;
  readonly sessionFrames = null;
  /** Its own is known to the broker only; what it is refused counts for nobody else's. */
  readonly remoteAddress: string;
  readonly session: DeviceSession;
  readonly #deviceId: DeviceId;
  readonly #dependencies: BrokerDeviceDependencies;
  readonly #ended: () => void;
  /** The device as one that speaks JSON, by network. */
  readonly #plain = new Map<NetworkId, PlainDevice>();
  /** True: it signs frames, and gets them. */
  #isSigning = false;

  /** `ended` is called once, when the session is over by other means than `leave`. */
  constructor(deviceId: DeviceId, dependencies: BrokerDeviceDependencies, ended: () => void) {
    this.#deviceId = deviceId;
    this.#dependencies = dependencies;
    this.#ended = ended;
    this.remoteAddress = `broker/${deviceId}`;
    this.session = new DeviceSession(this, dependencies);
  }

  /** Opens its session. Refuses as `connectVouched` does. */
  async open(): Promise<void> {
    await this.session.connectVouched(this.#deviceId);
    this.session.follow();
  }

  /** The device said this. Rejects where it is to come again. */
  async said(topic: BrokerTopic, publication: ForeignPublication): Promise<void> {
    if (topic.networkId !== null) return this.#saidPlain(topic.networkId, topic.topic, publication);
    if (!this.#isSigning) {
      this.#isSigning = true;
      // What waits for it was read as JSON, if it was: it is to come as frames.
      this.session.unfollow();
      this.session.follow();
    }
    const refused = await this.session.receive(publication.payload);
    if (refused !== null && isOurs(refused.error)) throw refused.error;
  }

  /** Tells the device that something it said was dropped; of frames it knows. */
  async refuse({ networkId, topic }: BrokerTopic, error: AppError): Promise<void> {
    if (networkId !== null) await this.#plainIn(networkId)?.refuse(topic, error);
  }

  requireReady(): void {}

  send(frame: Uint8Array): boolean {
    if (this.#isSigning) return this.#publishFrame(frame, nothing);
    return this.#plainOf(frame)?.send(frame) ?? true;
  }

  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean {
    if (!this.#isSigning) return this.#plainOf(frame)?.sendStored(frame, streamOffset, delivery) ?? true;
    return this.#publishFrame(frame, () => this.session.acknowledge(delivery.networkId, streamOffset));
  }

  membershipsChanged(): void {
    for (const [networkId, plain] of this.#plain) {
      if (this.session.memberships.has(networkId)) continue;
      plain.close();
      this.#plain.delete(networkId);
    }
  }

  /** The server ends: what waits stays in the stream. */
  leave(): void {
    this.session.closed();
    this.#closePlain();
  }

  close(): void {
    this.#closePlain();
    this.#ended();
  }

  #closePlain(): void {
    for (const plain of this.#plain.values()) plain.close();
    this.#plain.clear();
  }

  async #saidPlain(networkId: NetworkId, topic: string, publication: ForeignPublication): Promise<void> {
    const plain = this.#plainIn(networkId);
    // Rules of the broker may be older than what is true here.
    if (plain === null) return;
    try {
      await this.#take(plain, topic, publication);
    } catch (error) {
      const refused = toAppError(error);
      if (isOurs(refused)) throw error;
      await plain.refuse(topic, refused);
    }
  }

  async #take(plain: PlainDevice, topic: string, { payload, qos }: ForeignPublication): Promise<void> {
    await this.#requireRight(plain.home.networkId, topic);
    if (this.session.mayPublishPlain(topic)) {
      await plain.say(topic, payload);
      return;
    }
    if (!this.session.mayPublishInTree(topic)) throw topicForbidden();
    const packet = { topic, payload, qos, retain: false };
    if (plain.refusal(packet) === null) await plain.published(packet);
  }

  /** The broker asks us before it takes something, but may remember an answer of before. */
  async #requireRight(networkId: NetworkId, topic: string): Promise<void> {
    const membership = this.session.memberships.get(networkId);
    const { deviceId, tenantId } = this.session.actor;
    const isGuest = membership?.networkTenantId !== tenantId;
    const rights = await this.#dependencies.topicRights.find({ networkId, deviceId, isGuest });
    if (!isAllowedBy(rights, { deviceId, action: 'publish', topic })) throw topicForbidden();
  }

  #plainOf(frame: Uint8Array): PlainDevice | null {
    return this.#plainIn(asId<NetworkId>(readFrame(frame).header.networkId));
  }

  /** Null: it doesn't belong to this network. */
  #plainIn(networkId: NetworkId): PlainDevice | null {
    const known = this.#plain.get(networkId);
    if (known !== undefined) return known;
    const membership = this.session.ended ? undefined : this.session.memberships.get(networkId);
    if (membership === undefined) return null;
    const { devices, discovery, clock, logger } = this.#dependencies;
    const publish = this.#publisherIn(networkId);
    const plain = new PlainDevice(
      {
        networkId,
        use: {
          tree: {
            owner: { networkId, tenantId: membership.networkTenantId },
            publish: async ({ topic, payload, retain }) =>
              void publish(
                topic,
                typeof payload === 'string' ? Buffer.from(payload) : payload,
                retain,
                nothing,
              ),
          },
          release: nothing,
        },
      },
      {
        session: this.session,
        devices,
        discovery,
        follow: nothing,
        clock,
        logger,
        deliver: (topic, payload, _qos, done) => publish(topic, payload, false, this.#whenHeard(done)),
      },
    );
    plain.subscribed(`${deviceTopics(this.#deviceId)}commands/#`, 1);
    this.#plain.set(networkId, plain);
    return plain;
  }

  #publisherIn(networkId: NetworkId) {
    const { broker } = this.#dependencies;
    return (topic: string, payload: Uint8Array, retain: boolean, done: (o: 'taken' | 'unheard') => void) =>
      broker.publish({ topic: mountpointOf(networkId) + topic, payload, retain }, done);
  }

  #publishFrame(frame: Uint8Array, done: () => void): boolean {
    const message = { topic: downTopic(this.#deviceId), payload: Uint8Array.from(frame), retain: false };
    return this.#dependencies.broker.publish(message, this.#whenHeard(done));
  }

  /** What nobody got is not done: the session ends, and it waits in the stream. */
  #whenHeard(done: () => void) {
    return (outcome: 'taken' | 'unheard'): void => {
      if (outcome === 'taken') done();
      else if (!this.session.ended) this.session.end(relayError('unavailable'));
    };
  }
}
