import type { IPublishPacket } from 'mqtt-packet';
import type { Clock } from '../../../kernel/clock.ts';
import type { Logger } from '../../../kernel/logger.ts';
import type { LargePublication } from './large-packets.ts';
import {
  AT_WORK_MAX,
  AT_WORK_OF_ONE_MAX,
  PUBLISHED_MAX,
  RECEIVED_BYTES_MAX,
  RECEIVED_MAX,
  RETRY_MAX_MS,
  RETRY_MIN_MS,
} from './limits.ts';
import { ForeignLink } from './link.ts';
import { SpeakerTurns } from './turns.ts';
import type {
  ForeignBroker,
  ForeignBrokerOptions,
  ForeignListener,
  ForeignMessage,
  ForeignOutcome,
} from './types.ts';

interface Outgoing {
  readonly message: ForeignMessage;
  readonly done: (outcome: ForeignOutcome) => void;
  /** 0: it was not sent yet. */
  messageId: number;
}

const MESSAGE_ID_MAX = 65_535;
/** MQTT 5 section 3.4.2.1: from here on reason codes are refusals. 0x10: nobody is subscribed. */
const FIRST_REFUSAL = 0x80;
/** Of a PUBLISH beside topic and payload: fixed header, lengths, message id; topics are ASCII here. */
const HEADER_BYTES_MAX = 10;

/** What a client needs. */
export interface ForeignDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A client of somebody else's broker. mqtt.js acknowledges one publication after the other, each when it is dealt with: as each
 * waits for a commit here, this one has many at work, and acknowledges them in the order in which they came [MQTT-4.6.0-2].
 */
export function createForeignBroker(
  options: ForeignBrokerOptions,
  dependencies: ForeignDependencies,
): ForeignBroker {
  return new Client(options, dependencies);
}

class Client implements ForeignBroker {
  readonly #options: ForeignBrokerOptions;
  readonly #dependencies: ForeignDependencies;
  #hear: ForeignListener = async () => undefined;
  #level: 4 | 5 = 5;
  #link: ForeignLink | null = null;
  #isReady = false;
  #isStopping = false;
  #receiveMax = 0;
  #packetBytesMax = Number.POSITIVE_INFINITY;
  #retryMs = RETRY_MIN_MS;
  /** False: the last link ended with a publication that could not be dealt with. */
  #hasDealt = true;
  #cancelRetry: () => void = () => undefined;
  #lastId = 0;
  /** Sent and not acknowledged, by message id. */
  readonly #sent = new Map<number, Outgoing>();
  #waiting: Outgoing[] = [];
  readonly #turns = new SpeakerTurns({ atWorkMax: AT_WORK_MAX, atWorkOfOneMax: AT_WORK_OF_ONE_MAX });
  /** Publications that were read, each until it is acknowledged, and their bytes. */
  #received = 0;
  #receivedBytes = 0;
  #lastReceived: Promise<void> = Promise.resolve();

  constructor(options: ForeignBrokerOptions, dependencies: ForeignDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  start(received: ForeignListener): void {
    this.#hear = received;
    this.#connect();
  }

  #connect(): void {
    if (this.#isStopping) return;
    const link = new ForeignLink(
      this.#options,
      this.#level,
      {
        ready: (broker) => this.#ready(broker),
        publication: (packet) => this.#take(link, packet),
        tooLarge: (publication) => this.#takeNothing(link, publication),
        acknowledged: (messageId, reasonCode) => this.#acknowledged(messageId, reasonCode),
        closed: (reason, speaksLevel) => this.#lost(reason, speaksLevel),
      },
      this.#dependencies.clock,
    );
    this.#link = link;
  }

  publish(message: ForeignMessage, done: (outcome: ForeignOutcome) => void): boolean {
    if (this.#isStopping || this.#sent.size + this.#waiting.length >= PUBLISHED_MAX) return false;
    this.#waiting.push({ message, done, messageId: 0 });
    this.#sendWaiting();
    return true;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelRetry();
    this.#link?.pause();
    await this.#lastReceived;
    this.#link?.leave();
    this.#link = null;
  }

  #ready({ isPresent, receiveMax, packetBytesMax, isShared }: Parameters<Ready>[0]): void {
    const { logger } = this.#dependencies;
    const fields = { operation: 'mqtt.broker', isShared, level: this.#level };
    logger.info(fields, 'connected with the broker');
    if (!isShared) {
      logger.warn(
        fields,
        'the broker has no shared subscriptions: one server alone may be connected with it',
      );
    }
    this.#isReady = true;
    // Where a publication always fails, the next attempt comes later and later.
    if (this.#hasDealt) this.#retryMs = RETRY_MIN_MS;
    this.#hasDealt = true;
    this.#receiveMax = receiveMax;
    this.#packetBytesMax = packetBytesMax;
    for (const outgoing of [...this.#sent.values()]) this.#send(outgoing, isPresent);
    this.#sendWaiting();
  }

  #lost(reason: string, speaksLevel: boolean): void {
    const { clock, logger } = this.#dependencies;
    this.#link = null;
    this.#isReady = false;
    if (this.#isStopping) return;
    if (!speaksLevel && this.#level === 5) {
      this.#level = 4;
      this.#connect();
      return;
    }
    const retryInMs = this.#retryMs;
    logger.warn({ operation: 'mqtt.broker', reason, retryInMs }, 'not connected with the broker');
    this.#retryMs = Math.min(RETRY_MAX_MS, retryInMs * 2);
    this.#cancelRetry = clock.after(retryInMs, () => this.#connect());
  }

  #sendWaiting(): void {
    while (this.#isReady && this.#sent.size < this.#receiveMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.messageId = this.#nextId();
      this.#sent.set(next.messageId, next);
      this.#send(next, false);
    }
  }

  #send(outgoing: Outgoing, dup: boolean): void {
    const { messageId, message } = outgoing;
    const { topic, payload, retain } = message;
    if (topic.length + payload.length + HEADER_BYTES_MAX > this.#packetBytesMax) {
      this.#leaveOut(outgoing);
      return;
    }
    this.#link?.send({
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain,
      dup,
      messageId,
    });
  }

  /** The broker would end the connection at it, each time [MQTT-3.2.2-15]. */
  #leaveOut({ messageId, message: { topic, payload }, done }: Outgoing): void {
    const fields = { operation: 'mqtt.broker', topic: topic.slice(0, 256), bytes: payload.length };
    this.#dependencies.logger.warn(fields, 'a message is larger than the broker takes, and was left out');
    this.#sent.delete(messageId);
    done('taken');
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % MESSAGE_ID_MAX) + 1;
    while (this.#sent.has(this.#lastId));
    return this.#lastId;
  }

  #acknowledged(messageId: number, reasonCode: number): void {
    const outgoing = this.#sent.get(messageId);
    if (outgoing === undefined) return;
    this.#sent.delete(messageId);
    if (reasonCode >= FIRST_REFUSAL) {
      const { topic } = outgoing.message;
      const fields = { operation: 'mqtt.broker', reasonCode, topic: topic.slice(0, 256) };
      this.#dependencies.logger.warn(fields, 'the broker refused a publication');
    }
    this.#sendWaiting();
    outgoing.done(reasonCode === 0 ? 'taken' : 'unheard');
  }

  /** Several are at work at a time, in turn by who speaks. Each is acknowledged after those before it; after one that failed, none. */
  #take(link: ForeignLink, { topic, payload, qos, retain, messageId = 0 }: IPublishPacket): void {
    if (this.#isStopping || link !== this.#link) return;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    this.#read(link, bytes.length);
    const work = this.#turns.run(this.#options.speakerOf(topic), () =>
      // What a lost link had not begun comes again with the next one.
      link === this.#link
        ? this.#hear({ topic, payload: bytes, qos, isRetained: retain })
        : Promise.resolve(),
    );
    this.#acknowledge(link, work, { bytes: bytes.length, messageId: qos > 0 ? messageId : 0 });
  }

  /** It is acknowledged in its turn: otherwise it would come again for ever. */
  #takeNothing(link: ForeignLink, { topic, bytes, messageId }: LargePublication): void {
    if (this.#isStopping || link !== this.#link) return;
    const fields = { operation: 'mqtt.broker', topic: topic.slice(0, 256), bytes };
    this.#dependencies.logger.warn(fields, 'a publication is larger than is taken, and was dropped');
    this.#read(link, 0);
    this.#acknowledge(link, Promise.resolve(), { bytes: 0, messageId });
  }

  #read(link: ForeignLink, bytes: number): void {
    this.#received++;
    this.#receivedBytes += bytes;
    if (this.#isFull) link.pause();
  }

  get #isFull(): boolean {
    return this.#received >= RECEIVED_MAX || this.#receivedBytes >= RECEIVED_BYTES_MAX;
  }

  #acknowledge(
    link: ForeignLink,
    work: Promise<void>,
    { bytes, messageId }: { readonly bytes: number; readonly messageId: number },
  ): void {
    const before = this.#lastReceived;
    this.#lastReceived = Promise.allSettled([before, work]).then(([, done]) => {
      this.#received--;
      this.#receivedBytes -= bytes;
      // What a link that is lost left at work counts until it is done.
      if (link !== this.#link) return this.#goOn();
      if (done.status === 'rejected') {
        const { logger } = this.#dependencies;
        this.#hasDealt = false;
        logger.warn({ operation: 'mqtt.broker', error: done.reason }, 'a publication is to come again');
        return link.close('a publication could not be taken');
      }
      if (messageId > 0) link.send({ cmd: 'puback', messageId });
      this.#goOn();
    });
  }

  #goOn(): void {
    if (!this.#isStopping && !this.#isFull) this.#link?.resume();
  }
}

type Ready = ConstructorParameters<typeof ForeignLink>[2]['ready'];
