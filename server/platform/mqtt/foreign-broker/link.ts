import { type Socket, connect as tcp } from 'node:net';
import { connect as tls } from 'node:tls';
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubackPacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import type { Clock } from '../../../kernel/clock.ts';
import { LargePackets, type LargePublication } from './large-packets.ts';
import {
  ANSWER_TIMEOUT_MS,
  KEEPALIVE_SECONDS,
  PACKET_BYTES_MAX,
  RECEIVED_MAX,
  SESSION_EXPIRY_SECONDS,
} from './limits.ts';
import type { ForeignBrokerOptions } from './types.ts';

/** What happens on a link. */
export interface LinkEvents {
  /** SUBACK came. `isShared` false: the broker has no shared subscriptions. */
  ready(broker: {
    readonly isPresent: boolean;
    readonly receiveMax: number;
    readonly packetBytesMax: number;
    readonly isShared: boolean;
  }): void;
  publication(packet: IPublishPacket): void;
  /** One that is larger than is taken: it is not kept, and has to be acknowledged all the same. */
  tooLarge(publication: LargePublication): void;
  /** PUBACK; the reason code of MQTT 5, or 0. */
  acknowledged(messageId: number, reasonCode: number): void;
  /** It is over, once. `speaksLevel` false: the broker knows another version of MQTT only. */
  closed(reason: string, speaksLevel: boolean): void;
}

/** Message ids of SUBSCRIBE: nothing else is under way when they are used. */
const [SHARED_ID, ORDINARY_ID, RETAINED_ID] = [1, 2, 3];
/** CONNACK of MQTT 3.1.1 and of 5 where the broker doesn't speak the version. */
const WRONG_LEVEL = new Set([0x01, 0x84]);
const FIRST_REFUSAL = 0x80;
/** Messages without PUBACK where the broker doesn't say how many it takes. */
const RECEIVE_MAX_UNSAID = 100;
const GROUP = '$share/yggdrasil/';

/** One connection with a broker, from CONNECT to its end, with a lasting session. */
export class ForeignLink {
  readonly #options: ForeignBrokerOptions;
  readonly #level: 4 | 5;
  readonly #events: LinkEvents;
  readonly #clock: Clock;
  readonly #socket: Socket;
  #cancelTimer: () => void;
  #connack: IConnackPacket | null = null;
  #isShared = true;
  /** SUBACKs that are still to come. */
  readonly #awaited = new Set<number>();
  #isAlive = true;
  #isOver = false;

  constructor(options: ForeignBrokerOptions, level: 4 | 5, events: LinkEvents, clock: Clock) {
    this.#options = options;
    this.#level = level;
    this.#events = events;
    this.#clock = clock;
    const { host, port, isSecure } = options;
    this.#socket = isSecure
      ? tls({ host, port, servername: host }, () => this.#connect())
      : tcp({ host, port, noDelay: true }, () => this.#connect());
    this.#cancelTimer = clock.after(ANSWER_TIMEOUT_MS, () => this.close('it does not answer'));
    const packets = parser({ protocolVersion: level });
    packets.on('packet', (packet) => this.#take(packet));
    packets.on('error', (error: Error) => this.close(error.message));
    const large = new LargePackets(PACKET_BYTES_MAX, (publication) => this.#events.tooLarge(publication));
    this.#socket.on('data', (bytes: Buffer) => {
      this.#isAlive = true;
      if (this.#isOver) return;
      try {
        packets.parse(large.pass(bytes));
      } catch (error) {
        this.close(String(error));
      }
    });
    this.#socket.on('error', (error) => this.close(error.message));
    this.#socket.on('close', () => this.close('the connection was closed'));
  }

  send(packet: Packet): void {
    if (!this.#isOver) this.#socket.write(generate(packet, { protocolVersion: this.#level }));
  }

  /** Reads no more until `resume`: what comes waits in TCP. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** With DISCONNECT: the session goes on. */
  leave(): void {
    this.send({ cmd: 'disconnect' });
    this.#end();
    this.#socket.end();
  }

  close(reason: string, speaksLevel = true): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
    this.#events.closed(reason, speaksLevel);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }

  #connect(): void {
    const { clientId, username, password } = this.#options;
    const isNew = this.#level === 5;
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.#level,
      clean: false,
      clientId,
      keepalive: KEEPALIVE_SECONDS,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
      ...(isNew ? { properties: CONNECT_PROPERTIES } : {}),
    });
  }

  #take(packet: Packet): void {
    if (this.#isOver) return;
    if (packet.cmd === 'connack') this.#connected(packet);
    else if (packet.cmd === 'suback') this.#subscribed(packet);
    else if (packet.cmd === 'publish') this.#passOn(packet);
    else if (packet.cmd === 'puback')
      this.#events.acknowledged(packet.messageId ?? 0, packet.reasonCode ?? 0);
    else if (packet.cmd === 'disconnect') this.close(`it says ${packet.reasonCode ?? 0}`);
  }

  /** What is new comes by the subscription to everything, too. */
  #passOn(packet: IPublishPacket): void {
    const isRepeated = !packet.retain && packet.properties?.subscriptionIdentifier === RETAINED_ID;
    if (!isRepeated) this.#events.publication(packet);
    else if (packet.qos > 0) this.send({ cmd: 'puback', messageId: packet.messageId ?? 0 });
  }

  #connected(connack: IConnackPacket): void {
    const code = (this.#level === 5 ? connack.reasonCode : connack.returnCode) ?? connack.returnCode ?? 0;
    if (code !== 0) {
      this.close(`it refuses us with ${code}`, !WRONG_LEVEL.has(code));
      return;
    }
    this.#connack = connack;
    this.#isShared = connack.properties?.sharedSubscriptionAvailable !== false;
    this.#subscribe(RETAINED_ID, this.#options.retainedFilters, 0);
    this.#subscribeToAll();
  }

  #subscribeToAll(): void {
    const { filters } = this.#options;
    if (this.#isShared)
      this.#subscribe(
        SHARED_ID,
        filters.map((filter) => GROUP + filter),
        0,
      );
    else this.#subscribe(ORDINARY_ID, filters, 2);
  }

  /** `rh` 2: without what is retained [MQTT-3.3.1-11]. */
  #subscribe(messageId: number, topics: readonly string[], rh: 0 | 2): void {
    this.#awaited.add(messageId);
    const isNew = this.#level === 5;
    const options = isNew ? { nl: false, rap: false, rh } : {};
    const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const, ...options }));
    const properties = isNew ? { properties: { subscriptionIdentifier: messageId } } : {};
    this.send({ cmd: 'subscribe', messageId, subscriptions, ...properties });
  }

  #subscribed({ messageId = 0, granted }: ISubackPacket): void {
    this.#awaited.delete(messageId);
    if ((granted as number[]).some((code) => code >= FIRST_REFUSAL)) {
      if (messageId !== SHARED_ID) {
        this.close('it refuses what we subscribe to');
        return;
      }
      this.#isShared = false;
      this.#subscribeToAll();
    }
    if (this.#awaited.size > 0) return;
    this.#cancelTimer();
    // 0: the broker asks for no signs of life.
    this.#stayAlive(this.#connack?.properties?.serverKeepAlive || KEEPALIVE_SECONDS);
    this.#events.ready({
      isPresent: this.#connack?.sessionPresent === true,
      receiveMax: this.#connack?.properties?.receiveMaximum ?? RECEIVE_MAX_UNSAID,
      packetBytesMax: this.#connack?.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      isShared: this.#isShared,
    });
  }

  #stayAlive(seconds: number): void {
    this.#cancelTimer = this.#clock.after(seconds * 1_000, () => {
      if (!this.#isAlive) {
        this.close('it has fallen silent');
        return;
      }
      this.#isAlive = false;
      this.send({ cmd: 'pingreq' });
      this.#stayAlive(seconds);
    });
  }
}

const CONNECT_PROPERTIES = {
  sessionExpiryInterval: SESSION_EXPIRY_SECONDS,
  receiveMaximum: RECEIVED_MAX,
  maximumPacketSize: PACKET_BYTES_MAX,
};
