import { TopicTrie } from '../../kernel/topic-trie.ts';
import { RETAINED_BYTES_MAX, RETAINED_MESSAGES_MAX, TENANT_RETAINED_BYTES_MAX } from './limits.ts';
import type { TenantRetained } from './queue-limits.ts';
import { sizeOf } from './rules.ts';
import type { Packet } from './types.ts';

/** The last message of each topic that was published to be retained. */
export class RetainedMessages {
  readonly #byTopic = new Map<string, Packet>();
  readonly #topics = new TopicTrie<Packet>();
  readonly #ofTenant: TenantRetained;
  #bytes = 0;

  /** Those of all its networks count for a tenant. */
  constructor(ofTenant: TenantRetained = { retainedBytes: 0 }) {
    this.#ofTenant = ofTenant;
  }

  get count(): number {
    return this.#byTopic.size;
  }

  get(topic: string): Packet | undefined {
    return this.#byTopic.get(topic);
  }

  /** Retains it where there is room, else false. An empty payload takes the message of its topic away [MQTT-3.3.1-10]. */
  take(packet: Packet): boolean {
    if (packet.payload.length === 0) this.delete(packet.topic);
    else if (this.#hasRoomFor(packet)) this.set(packet);
    else return false;
    return true;
  }

  /** True: there is room for it in the place of the one before. */
  #hasRoomFor(packet: Packet): boolean {
    const before = this.#byTopic.get(packet.topic);
    const more = sizeOf(packet) - (before === undefined ? 0 : sizeOf(before));
    return (
      this.#bytes + more <= RETAINED_BYTES_MAX &&
      this.#ofTenant.retainedBytes + more <= TENANT_RETAINED_BYTES_MAX &&
      (before !== undefined || this.count < RETAINED_MESSAGES_MAX)
    );
  }

  /** Puts it in the place of the one before. */
  set(packet: Packet): void {
    this.delete(packet.topic);
    this.#byTopic.set(packet.topic, packet);
    this.#topics.set(packet.topic, '', packet);
    this.#count(sizeOf(packet));
  }

  delete(topic: string): void {
    const before = this.#byTopic.get(topic);
    if (before === undefined) return;
    this.#byTopic.delete(topic);
    this.#topics.delete(topic, '');
    this.#count(-sizeOf(before));
  }

  /** They are of no more use here, and count no more for their tenant. */
  leave(): void {
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#ofTenant.retainedBytes += bytes;
  }

  /** Those whose topics match. */
  matching(filter: string): Generator<Packet> {
    return this.#topics.matchFilter(filter);
  }
}
