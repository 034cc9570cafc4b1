import type { Logger } from '../../kernel/logger.ts';
import { FAILURE_LOG_INTERVAL_MS } from './limits.ts';
import type { LoggedClient } from './logged-client.ts';

/** The end of a connection whose client never said who it is. */
interface Failure {
  readonly client: LoggedClient;
  readonly reason: string;
}

/**
 * Connections that end before their clients have said who they are, in the log: the first at once, what follows within a second in
 * one line, by the last of them and how many they were. Anybody can make as many as he likes.
 */
export class FailureLog {
  readonly #logger: Logger;
  #pause: NodeJS.Timeout | null = null;
  #last: Failure | null = null;
  #count = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(client: LoggedClient, error: Error): void {
    const reason = error.message;
    if (hasVanished(error)) {
      this.#logger.debug({ ...client, reason }, 'an MQTT client vanished');
      return;
    }
    this.#last = { client, reason };
    this.#count++;
    if (this.#pause === null) this.#write();
  }

  #write(): void {
    if (this.#last === null) return;
    const { client, reason } = this.#last;
    this.#logger.warn({ ...client, reason, connections: this.#count }, 'an MQTT connection was cut');
    this.#last = null;
    this.#count = 0;
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#write();
    }, FAILURE_LOG_INTERVAL_MS).unref();
  }
}

/** True: the client is gone without a word, which is everyday life. */
export function hasVanished({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}
