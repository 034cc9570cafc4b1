import { CHUNK_CHARACTERS_MAX } from './limits.ts';

/**
 * Cuts text into pieces that fit a frame, never between the two halves of a character: an endpoint may send the first
 * half now and the second with its next chunk, and half a character has no UTF-8.
 */
export class TextSplitter {
  #heldBack = '';

  /** The pieces that can be sent now. */
  push(text: string): string[] {
    let rest = this.#heldBack + text;
    this.#heldBack = '';
    if (endsInsideCharacter(rest)) {
      this.#heldBack = rest.slice(-1);
      rest = rest.slice(0, -1);
    }
    const pieces: string[] = [];
    while (rest.length > 0) {
      let length = Math.min(rest.length, CHUNK_CHARACTERS_MAX);
      if (length < rest.length && endsInsideCharacter(rest.slice(0, length))) length--;
      pieces.push(wellFormed(rest.slice(0, length)));
      rest = rest.slice(length);
    }
    return pieces;
  }

  /** What was held back, when nothing follows. */
  end(): string[] {
    const rest = wellFormed(this.#heldBack);
    this.#heldBack = '';
    return rest === '' ? [] : [rest];
  }
}

function endsInsideCharacter(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

/** Halves of characters become U+FFFD, which is what the encoder does with them. */
function wellFormed(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}
