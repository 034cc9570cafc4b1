import type { JsonObject } from './json.ts';

/**
 * Puts characters together whose two halves came in different deltas: half a character has no UTF-8, and not every client
 * joins two halves.
 */
export class WholeCharacters {
  readonly #heldBack = new Map<string, string>();

  /** The delta, its texts without a half character at their end. */
  push(fields: JsonObject): JsonObject {
    const whole = Object.entries(fields).map(([name, value]) => {
      if (typeof value !== 'string') return [name, value];
      const text = (this.#heldBack.get(name) ?? '') + value;
      this.#heldBack.delete(name);
      if (!endsInsideCharacter(text)) return [name, text];
      this.#heldBack.set(name, text.slice(-1));
      return [name, text.slice(0, -1)];
    });
    return Object.fromEntries(whole.filter(([, value]) => value !== ''));
  }

  /** Halves that never got the other half, as U+FFFD. */
  end(): JsonObject {
    const rest = [...this.#heldBack.keys()].map((name) => [name, '\uFFFD']);
    this.#heldBack.clear();
    return Object.fromEntries(rest);
  }
}

function endsInsideCharacter(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
