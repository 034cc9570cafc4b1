import type { ConnectPacket } from 'aedes';
import type { BrokerConnection } from './connection.ts';
import type { PacketGate } from './packet-gate.ts';
import type { TreeBroker } from './tree-broker.ts';

/** Why a CONNECT is refused: the CONNACK return code of section 3.2.2.3 and the reason for the log. */
export interface Refusal {
  readonly returnCode: 2 | 3 | 4 | 5;
  readonly reason: string;
}

/** CONNECT, as far as it is looked at again. */
export type Asked = Pick<ConnectPacket, 'clientId' | 'will' | 'clean'>;

/** What is known of one broker client beside the broker's own state. */
export class ClientSession<Session> {
  readonly gate: PacketGate;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly refusal: Refusal | null;
  /** Set when the client proved who it is. */
  admitted: { readonly session: Session; readonly connection: BrokerConnection } | null = null;
  /** The topics that the client sees, beside the endpoint's own; null: none. */
  tree: TreeBroker | null = null;
  /** What was asked for, as the library goes on to read it. */
  readonly connect: Asked;
  readonly #incomingMessagesMax: number;
  /** What is in work, oldest first. */
  readonly #places: Place[] = [];

  constructor(gate: PacketGate, connect: Asked, refusal: Refusal | null, incomingMessagesMax: number) {
    this.gate = gate;
    this.connect = connect;
    this.clientId = connect.clientId;
    this.remoteAddress = gate.remoteAddress;
    this.refusal = refusal;
    this.#incomingMessagesMax = incomingMessagesMax;
  }

  /**
   * Begins `work` at once and answers in the order of the calls: acknowledgements keep the order of the publications
   * [MQTT-4.6.0-2]. While too much is in work, nothing is read from the client.
   */
  inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => this.begin(work, resolve, reject));
  }

  /** The same, without a promise for the answer. `work` throws nothing before it returns its promise. */
  begin<Value>(
    work: () => Promise<Value>,
    done: (value: Value) => void,
    failed: (error: unknown) => void,
  ): void {
    const place: Place = { answer: null };
    this.#places.push(place);
    if (this.#places.length === this.#incomingMessagesMax) this.gate.hold();
    work().then(
      (value) => this.#settle(place, () => done(value)),
      (error: unknown) => this.#settle(place, () => failed(error)),
    );
  }

  #settle(place: Place, answer: () => void): void {
    place.answer = answer;
    for (let first = this.#places[0]; first?.answer != null; first = this.#places[0]) {
      if (this.#places.length === this.#incomingMessagesMax) this.gate.release();
      this.#places.shift();
      first.answer();
    }
  }
}

/** Work in its order; null: it has not ended. */
interface Place {
  answer: (() => void) | null;
}
