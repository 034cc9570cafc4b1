import { FrameType, type FrameView, PayloadError, readFrame } from '../../../proto/index.ts';
import type { DeviceService } from '../../domains/devices/index.ts';
import { type DeliverySession, type MadeFrame, NIL_UUID } from '../../domains/relay/index.ts';
import type { TreeUse } from '../../domains/topics/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { MqttReason } from '../../platform/mqtt/reason.ts';
import type { TreePacket } from '../../platform/mqtt/tree-types.ts';
import { toAppError } from '../error-table.ts';
import type { DeviceSession } from '../frames/device-session.ts';
import { type ForeignDependencies, ForeignTopics } from './foreign-topics.ts';
import { COMMAND_SUBSCRIPTION_MS, TOPIC_CHARACTERS_MAX } from './limits.ts';
import { OrderedOffsets } from './ordered-offsets.ts';
import { dropMessage } from './plain-drops.ts';
import {
  capabilitiesIn,
  commandOf,
  doneCommand,
  framesOf,
  messageOf,
  type PlainFrame,
  type PlainMessage,
  refusedCommand,
  resultOf,
} from './plain-frames.ts';
import { isShadowAsk, shadowAskOf, shadowJson, shadowTopic } from './plain-shadow.ts';
import {
  asksForFrames,
  commandTopic,
  isName,
  matches,
  plainTopicOf,
  refusedTopic,
  resultTopic,
} from './plain-topics.ts';
import { reasonOf } from './reasons.ts';
import { type PlainRefusal, Refusals } from './refusals.ts';

/** The topics of a network, as far as the server says something there. */
export type HomeTopics = Pick<TreeUse['tree'], 'owner' | 'publish'>;

/** The network whose tree a device sees. */
export interface Home {
  readonly networkId: NetworkId;
  readonly use: { readonly tree: HomeTopics; release(): void };
}

/** What a plain device needs. */
export interface PlainDependencies extends Omit<ForeignDependencies, 'devices'> {
  readonly session: DeviceSession;
  readonly devices: Pick<DeviceService, 'checkCapabilities' | 'withFoundCapabilities'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends to the device. `done` is called when it has it; false: it was not sent, the device is gone or too slow. */
  readonly deliver: (topic: string, payload: Uint8Array, qos: 0 | 1 | 2, done: () => void) => boolean;
}

type Qos = 0 | 1 | 2;

const nothing = (): void => undefined;

/**
 * A connected device as one that speaks JSON: makes frames of what it publishes, gives it commands and results, and tells it
 * what it was refused.
 */
export class PlainDevice {
  readonly home: Home;
  readonly #dependencies: PlainDependencies;
  readonly #refusals: Refusals;
  /** QoS by filter, of those with which it asks for commands or results. */
  readonly #filters = new Map<string, Qos>();
  #offsets: WeakMap<DeliverySession, OrderedOffsets> | null = null;
  /** What was made of a publication when it was looked at, until it is kept. */
  #made: WeakMap<TreePacket, readonly PlainFrame[]> | null = null;
  readonly #foreign: ForeignTopics;
  #isOver = false;

  constructor(home: Home, dependencies: PlainDependencies) {
    this.home = home;
    this.#dependencies = dependencies;
    const { owner } = home.use.tree;
    this.#foreign = new ForeignTopics(dependencies.session.actor, owner, dependencies);
    this.#refusals = new Refusals(dependencies.clock, (refusal) => this.#tellRefusal(refusal));
  }

  /** True: it asks for commands or results. */
  get hears(): boolean {
    return this.#filters.size > 0 || this.#foreign.hears;
  }

  subscribed(filter: string, qos: Qos): void {
    if (asksForFrames(this.#deviceId, filter)) this.#filters.set(filter, qos);
  }

  unsubscribed(filter: string): void {
    this.#filters.delete(filter);
  }

  /** The connection is over. */
  close(): void {
    this.#isOver = true;
    this.#refusals.close();
  }

  /** Why the publication can't be understood, of which the device is told; or null. */
  refusal(packet: TreePacket): MqttReason | null {
    const topic = plainTopicOf(this.#deviceId, packet.topic);
    const payload = bytesOf(packet.payload);
    // An empty payload takes a retained message away, and says nothing.
    if (topic !== null && payload.length === 0) return null;
    try {
      const isKept = packet.qos > 0;
      const frames =
        topic === null
          ? this.#foreign.framesOf(packet.topic, payload, isKept)
          : framesOf(topic, payload, isKept);
      const [first] = frames;
      if (topic?.kind === 'capabilities' && first !== undefined) {
        this.#dependencies.devices.checkCapabilities(capabilitiesIn(first));
        this.#foreign.speaksForItself();
      }
      this.#made ??= new WeakMap();
      this.#made.set(packet, frames);
      return null;
    } catch (error) {
      const refused = toAppError(error);
      void this.refuse(packet.topic, refused);
      return reasonOf(refused);
    }
  }

  /** Forwards what was made of a publication. Rejects where it may be taken another time; all else the device is told, and it is returned. */
  async published(packet: TreePacket): Promise<MqttReason | null> {
    const news = await this.#foreign.takeNews(packet.qos > 0);
    const frames = [...(news === null ? [] : [news]), ...(this.#made?.get(packet) ?? [])];
    const { networkId } = this.home;
    return await this.#submitAll(
      packet.topic,
      frames.map((frame) => ({ ...frame, networkId })),
    );
  }

  /** A command for another device, the result of one, or a question for its shadow. Rejects as `published` does. */
  async say(topic: string, payload: Uint8Array): Promise<MqttReason | null> {
    try {
      if (isShadowAsk(this.#deviceId, topic)) {
        await this.#askShadow(topic, payload);
        return null;
      }
      const made =
        topic === resultTopic(this.#deviceId) ? resultOf(payload) : this.#commandOf(topic, payload);
      return await this.#submitAll(topic, [made]);
    } catch (error) {
      if (!(error instanceof AppError) || isOurs(error)) throw error;
      await this.refuse(topic, error);
      return reasonOf(error);
    }
  }

  /** Tells the device why a publication was not taken. */
  async refuse(topic: string, error: AppError): Promise<void> {
    this.#dependencies.session.refusedPlain(topic.slice(0, TOPIC_CHARACTERS_MAX), error);
    await this.#refusals.add(topic, error);
  }

  /** A TRANSIENT frame for the device. */
  send(frame: Uint8Array): boolean {
    return this.#hear(readFrame(frame), nothing);
  }

  /** A frame of the stream for the device: acknowledged in their order, what is not for plain devices at once. */
  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean {
    const offsets = this.#offsets?.get(delivery) ?? this.#offsetsOf(delivery);
    return this.#hear(readFrame(frame), offsets.add(streamOffset));
  }

  get #deviceId() {
    return this.#dependencies.session.actor.deviceId;
  }

  #offsetsOf(delivery: DeliverySession): OrderedOffsets {
    const { session } = this.#dependencies;
    const offsets = new OrderedOffsets((offset) => void session.acknowledge(delivery.networkId, offset));
    this.#offsets ??= new WeakMap();
    this.#offsets.set(delivery, offsets);
    return offsets;
  }

  #commandOf(topic: string, payload: Uint8Array): MadeFrame {
    const [, deviceId = '', , name = ''] = topic.split('/');
    return { ...commandOf(deviceId, name, payload), networkId: this.home.networkId };
  }

  async #submitAll(topic: string, frames: readonly MadeFrame[]): Promise<MqttReason | null> {
    const { session } = this.#dependencies;
    const outcomes = await Promise.allSettled(frames.map((frame) => session.submit(frame)));
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [toAppError(outcome.reason)] : [],
    );
    const ours = refused.find(isOurs);
    if (ours !== undefined) throw ours;
    const [first] = refused;
    if (first === undefined) return null;
    await this.refuse(topic, first);
    return reasonOf(first);
  }

  async #askShadow(topic: string, payload: Uint8Array): Promise<void> {
    const { networkId, use } = this.home;
    const answer = await this.#dependencies.session.submit(shadowAskOf(topic, payload, networkId));
    if (answer === null) return;
    const said = Buffer.from(JSON.stringify(shadowJson(answer.payload)));
    await use.tree.publish({ topic: shadowTopic(this.#deviceId), payload: said, qos: 1, retain: false });
  }

  #hear(frame: FrameView, done: () => void): boolean {
    if (frame.header.type === FrameType.DROPPED) return this.#tellDropped(frame, done);
    const message = understood(frame);
    if (message === 'malformed' && frame.header.type === FrameType.COMMAND) {
      this.#answer(refusedCommand(frame, 'frame_payload_malformed', 'The command can not be read.'), done);
      return true;
    }
    if (message === null || message === 'malformed') {
      done();
      return true;
    }
    const isSent = this.#tell(message, done);
    if (isSent !== null) return isSent;
    if (message.kind === 'result') done();
    else if (this.#giveForeign(frame, message, done)) return true;
    else this.#waitForSubscription(frame, message, done);
    return true;
  }

  /** The server's word alone: another device could claim anything. */
  #tellDropped({ header, payload }: FrameView, done: () => void): boolean {
    if (header.sourceId !== NIL_UUID) {
      done();
      return true;
    }
    const { topic, json } = dropMessage(this.#deviceId, payload);
    this.#publishRetained(topic, json, true).then(done);
    return true;
  }

  /** Null: no filter of the device matches. */
  #tell(message: PlainMessage, done: () => void): boolean | null {
    const topic =
      message.kind === 'command' ? commandTopic(this.#deviceId, message.name) : resultTopic(message.deviceId);
    let granted: Qos | null = null;
    for (const [filter, qos] of this.#filters) {
      if (matches(filter, topic) && qos >= (granted ?? 0)) granted = qos;
    }
    if (granted === null) return null;
    return this.#dependencies.deliver(topic, Buffer.from(JSON.stringify(message.json)), granted, done);
  }

  /** False: its firmware has no such command. */
  #giveForeign(
    { header, ...frame }: FrameView,
    { name, json }: PlainMessage & { kind: 'command' },
    done: () => void,
  ): boolean {
    const given = json.arguments as JsonObject;
    const publication = this.#foreign.commandOf(name, given);
    if (publication === null) return false;
    if (publication === 'wrong') {
      const reason = `${name} takes one argument: on, true or false.`;
      this.#answer(refusedCommand({ ...frame, header }, 'command_argument_wrong', reason), done);
      return true;
    }
    const { topic, payload } = publication;
    const published = this.home.use.tree.publish({
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
    });
    published.then(
      () => this.#answer(doneCommand({ header }, given), done),
      (error: unknown) => {
        this.#dependencies.logger.warn({ operation: 'mqtt.plain', error }, 'a command was not given');
        done();
      },
    );
    return true;
  }

  /** Devices subscribe to one filter after the other: the right one may come yet. */
  #waitForSubscription(frame: FrameView, message: PlainMessage, done: () => void): void {
    // The bytes of the frame are valid for this call only; its header is a copy.
    const { header } = frame;
    this.#dependencies.clock.after(COMMAND_SUBSCRIPTION_MS, () => {
      if (this.#isOver || this.#tell(message, done) !== null) return;
      const refusal = refusedCommand(
        { ...frame, header },
        'command_unknown',
        'The device has no such command.',
      );
      this.#answer(refusal, done);
    });
  }

  /** Answers a command in the place of the device. */
  #answer(result: MadeFrame, done: () => void): void {
    this.#dependencies.session.submit(result).then(
      () => done(),
      (error: unknown) => {
        this.#dependencies.logger.warn({ operation: 'mqtt.plain', error }, 'a command was not answered');
        done();
      },
    );
  }

  #tellRefusal(refusal: PlainRefusal): Promise<void> {
    return this.#publishRetained(refusedTopic(this.#deviceId), refusal, false);
  }

  async #publishRetained(topic: string, json: object, isNotice: boolean): Promise<void> {
    const payload = Buffer.from(JSON.stringify(json));
    const { tree } = this.home.use;
    await tree.publish({ topic, payload, qos: 1, retain: true, isNotice }).catch((error: unknown) => {
      const what = 'a device was not told of what was refused or dropped';
      this.#dependencies.logger.warn({ operation: 'mqtt.plain', error }, what);
    });
  }
}

const bytesOf = (payload: Uint8Array | string): Uint8Array =>
  typeof payload === 'string' ? Buffer.from(payload) : payload;

/** True for what is no fault of the publication: it may be taken when it comes again. */
export function isOurs({ kind }: AppError): boolean {
  return kind === 'unavailable' || kind === 'internal';
}

function understood(frame: FrameView): PlainMessage | 'malformed' | null {
  try {
    const message = messageOf(frame);
    const isUsable = message?.kind !== 'command' || isName(message.name);
    return isUsable ? message : 'malformed';
  } catch (error) {
    if (error instanceof PayloadError) return 'malformed';
    throw error;
  }
}
