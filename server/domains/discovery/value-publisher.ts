import type { NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { WAITING_TOPICS_MAX } from './limits.ts';
import type { NetworkTopics } from './ports.ts';
import { valuePayload, valueTopic } from './rules.ts';
import type { DiscoveryNetwork, SaidValue } from './types.ts';

/**
 * Publishes values in the trees of their networks, the last one of each topic: what comes while a network's are written waits
 * for them, and takes the place of what waits for the same topic.
 */
export class ValuePublisher {
  readonly #topics: Pick<NetworkTopics, 'publish'>;
  readonly #logger: Logger;
  readonly #waiting = new Map<NetworkId, Map<string, SaidValue>>();
  readonly #writing = new Map<NetworkId, Promise<void>>();

  constructor(topics: Pick<NetworkTopics, 'publish'>, logger: Logger) {
    this.#topics = topics;
    this.#logger = logger;
  }

  publish(value: SaidValue): void {
    const { networkId, tenantId } = value;
    const waiting = this.#waiting.get(networkId) ?? new Map<string, SaidValue>();
    this.#waiting.set(networkId, waiting);
    const topic = valueTopic(value.deviceId, value.name);
    if (!waiting.has(topic) && waiting.size >= WAITING_TOPICS_MAX) return;
    waiting.set(topic, value);
    if (!this.#writing.has(networkId)) this.#writing.set(networkId, this.#write({ networkId, tenantId }));
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async #write(network: DiscoveryNetwork): Promise<void> {
    const { networkId } = network;
    for (let values = this.#take(networkId); values.length > 0; values = this.#take(networkId)) {
      const written = await Promise.allSettled(
        values.map(([topic, value]) => this.#topics.publish(network, topic, valuePayload(value))),
      );
      const failed = written.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) {
        this.#logger.warn(
          { operation: 'discovery.publish', error: failed.reason },
          'values were not published',
        );
      }
    }
    this.#writing.delete(networkId);
  }

  #take(networkId: NetworkId): [string, SaidValue][] {
    const values = [...(this.#waiting.get(networkId) ?? [])];
    this.#waiting.delete(networkId);
    return values;
  }
}
