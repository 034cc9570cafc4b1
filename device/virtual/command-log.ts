import { ANSWERS_MAX, COMMANDERS_MAX } from './limits.ts';
import type { CommandAnswer, DeviceMemoryContent } from './ports.ts';

/** Which commands were given already, and what was answered. Bounded, and kept over restarts by the device's memory. */
export class CommandLog {
  readonly #nonces: Map<string, number>;
  readonly #answers: Map<string, CommandAnswer>;

  constructor(content: Pick<DeviceMemoryContent, 'commandNonces' | 'answers'> | null) {
    this.#nonces = new Map(Object.entries(content?.commandNonces ?? {}));
    this.#answers = new Map((content?.answers ?? []).map((answer) => [answer.commandId, answer]));
  }

  /** The answer that this command got before; undefined for one that is new, or of another source. */
  answerTo(commandId: string, sourceId: string): CommandAnswer | undefined {
    const answer = this.#answers.get(commandId);
    return answer?.sourceId === sourceId ? answer : undefined;
  }

  /** True for a command that isn't newer than the last of the same source. */
  isReplay(sourceId: string, nonce: number): boolean {
    return nonce <= (this.#nonces.get(sourceId) ?? 0);
  }

  /** Takes note of a command and its answer; forgets the oldest. */
  add(nonce: number, answer: CommandAnswer): void {
    this.#nonces.delete(answer.sourceId);
    this.#nonces.set(answer.sourceId, nonce);
    this.#answers.set(answer.commandId, answer);
    dropOldest(this.#nonces, COMMANDERS_MAX);
    dropOldest(this.#answers, ANSWERS_MAX);
  }

  /** For the device's memory. */
  content(): Pick<DeviceMemoryContent, 'commandNonces' | 'answers'> {
    return { commandNonces: Object.fromEntries(this.#nonces), answers: [...this.#answers.values()] };
  }
}

function dropOldest(map: Map<string, unknown>, countMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= countMax) return;
    map.delete(key);
  }
}
