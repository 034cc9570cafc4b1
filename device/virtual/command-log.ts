import { ReplayWindow } from '../../proto/index.ts';
import { ANSWERS_MAX, COMMANDERS_MAX } from './limits.ts';
import type { CommandAnswer, DeviceMemoryContent } from './ports.ts';

/** Which commands were given already, and what was answered. Bounded, and kept over restarts by the device's memory. */
export class CommandLog {
  /** The nonces that each source has used. */
  readonly #windows: Map<string, ReplayWindow>;
  readonly #answers: Map<string, CommandAnswer>;

  constructor(content: Pick<DeviceMemoryContent, 'commandNonces' | 'answers'> | null) {
    const windows = Object.entries(content?.commandNonces ?? {});
    this.#windows = new Map(windows.map(([sourceId, window]) => [sourceId, new ReplayWindow(window)]));
    this.#answers = new Map((content?.answers ?? []).map((answer) => [answer.commandId, answer]));
  }

  /** The answer that this command got before; undefined for one that is new, or of another source. */
  answerTo(commandId: string, sourceId: string): CommandAnswer | undefined {
    const answer = this.#answers.get(commandId);
    return answer?.sourceId === sourceId ? answer : undefined;
  }

  /** Uses the nonce of a command up. False for a replay: its source has used it, or it is too old to know. */
  useNonce(sourceId: string, nonce: number): boolean {
    const window = this.#windows.get(sourceId) ?? new ReplayWindow();
    // The one heard of last stands last.
    this.#windows.delete(sourceId);
    this.#windows.set(sourceId, window);
    dropOldest(this.#windows, COMMANDERS_MAX);
    return window.use(nonce) === 'new';
  }

  /** Takes note of an answer; forgets the oldest. */
  add(answer: CommandAnswer): void {
    this.#answers.set(answer.commandId, answer);
    dropOldest(this.#answers, ANSWERS_MAX);
  }

  /** For the device's memory. */
  content(): Pick<DeviceMemoryContent, 'commandNonces' | 'answers'> {
    const windows = [...this.#windows].map(([sourceId, window]) => [sourceId, window.content()] as const);
    return { commandNonces: Object.fromEntries(windows), answers: [...this.#answers.values()] };
  }
}

function dropOldest(map: Map<string, unknown>, countMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= countMax) return;
    map.delete(key);
  }
}
