import { ReplayWindow } from '../../proto/index.ts';
import { ANSWERS_MAX, COMMANDERS_MAX } from './limits.ts';
import type { BegunCommand, CommandAnswer, DeviceMemoryContent } from './ports.ts';

type LogContent = Pick<
  DeviceMemoryContent,
  'commandNonces' | 'forgottenNonce' | 'begun' | 'begunAction' | 'answers'
>;

/** Which commands were given already, and what was answered. Bounded, and kept over restarts by the device's memory. */
export class CommandLog {
  /** The nonces that each source has used. */
  readonly #windows: Map<string, ReplayWindow>;
  /** Nonces begin with the time, so what is older than a source that was forgotten may be a replay of that source. */
  #forgottenNonce: number;
  #begun: BegunCommand | null;
  #begunAction: BegunCommand | null;
  readonly #answers: Map<string, CommandAnswer>;

  constructor(content: LogContent | null) {
    const windows = Object.entries(content?.commandNonces ?? {});
    this.#windows = new Map(windows.map(([sourceId, window]) => [sourceId, new ReplayWindow(window)]));
    this.#forgottenNonce = content?.forgottenNonce ?? 0;
    this.#begun = content?.begun ?? null;
    this.#begunAction = content?.begunAction ?? null;
    this.#answers = new Map((content?.answers ?? []).map((answer) => [answer.commandId, answer]));
  }

  /** The answer that this command got before; undefined for one that is new, or of another source. */
  answerTo(commandId: string, sourceId: string): CommandAnswer | undefined {
    const answer = this.#answers.get(commandId);
    return answer?.sourceId === sourceId ? answer : undefined;
  }

  /** A command that was begun and never answered, because the device lost power in between. */
  get begun(): BegunCommand | null {
    return this.#begun;
  }

  /** The same of an action, which commands may be carried out beside. */
  get begunAction(): BegunCommand | null {
    return this.#begunAction;
  }

  /**
   * Uses the nonce of a command up. False for a replay: its source has used it, it is too old to know, or it is of an
   * unknown source and not newer than all that were forgotten.
   */
  useNonce(sourceId: string, nonce: number): boolean {
    const known = this.#windows.get(sourceId);
    if (known === undefined && nonce <= this.#forgottenNonce) return false;
    const window = known ?? new ReplayWindow();
    // The one heard of last stands last.
    this.#windows.delete(sourceId);
    this.#windows.set(sourceId, window);
    for (const forgotten of dropOldest(this.#windows, COMMANDERS_MAX)) {
      this.#forgottenNonce = Math.max(this.#forgottenNonce, forgotten.last);
    }
    return window.use(nonce) === 'new';
  }

  /** Takes note of a command that is about to be carried out. */
  begin(command: BegunCommand): void {
    this.#begun = command;
  }

  /** Takes note of an answer, of the command that was begun; forgets the oldest. */
  add(answer: CommandAnswer): void {
    this.#begun = null;
    this.#keep(answer);
  }

  /** Takes note of an action that is about to be carried out. */
  beginAction(action: BegunCommand): void {
    this.#begunAction = action;
  }

  /** Takes note of the end of an action: of the one that was begun, or of another that never will be. */
  addAction(answer: CommandAnswer): void {
    if (this.#begunAction?.commandId === answer.commandId) this.#begunAction = null;
    this.#keep(answer);
  }

  #keep(answer: CommandAnswer): void {
    this.#answers.set(answer.commandId, answer);
    dropOldest(this.#answers, ANSWERS_MAX);
  }

  /** For the device's memory. */
  content(): LogContent {
    const windows = [...this.#windows].map(([sourceId, window]) => [sourceId, window.content()] as const);
    return {
      commandNonces: Object.fromEntries(windows),
      forgottenNonce: this.#forgottenNonce,
      begun: this.#begun,
      begunAction: this.#begunAction,
      answers: [...this.#answers.values()],
    };
  }
}

/** Drops what is above the limit, and returns it. */
function dropOldest<Value>(map: Map<string, Value>, countMax: number): Value[] {
  const dropped = [...map].slice(0, Math.max(0, map.size - countMax));
  for (const [key] of dropped) map.delete(key);
  return dropped.map(([, value]) => value);
}
