import type { BrokerConnection } from './connection.ts';
import type { PacketGate } from './packet-gate.ts';

/** Why a CONNECT is refused: the CONNACK return code of section 3.2.2.3 and the reason for the log. */
export interface Refusal {
  readonly returnCode: 2 | 3 | 4 | 5;
  readonly reason: string;
}

/** What is known of one broker client beside the broker's own state. */
export class ClientSession<Session> {
  readonly gate: PacketGate;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly refusal: Refusal | null;
  /** Set when the client proved who it is. */
  admitted: { readonly session: Session; readonly connection: BrokerConnection } | null = null;
  readonly #incomingMessagesMax: number;
  #inWork = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(gate: PacketGate, clientId: string, refusal: Refusal | null, incomingMessagesMax: number) {
    this.gate = gate;
    this.clientId = clientId;
    this.remoteAddress = gate.remoteAddress;
    this.refusal = refusal;
    this.#incomingMessagesMax = incomingMessagesMax;
  }

  /**
   * Begins `work` at once and answers in the order of the calls: acknowledgements keep the order of the publications
   * [MQTT-4.6.0-2]. While too much is in work, nothing is read from the client.
   */
  async inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    if (++this.#inWork === this.#incomingMessagesMax) this.gate.hold();
    const previous = this.#turn;
    const working = work();
    this.#turn = working.then(
      () => previous,
      () => previous,
    );
    try {
      return await working;
    } finally {
      await previous;
      if (this.#inWork-- === this.#incomingMessagesMax) this.gate.release();
    }
  }
}
