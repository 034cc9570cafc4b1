import { SSE_LINE_CHARACTERS_MAX } from './limits.ts';

/**
 * Reads an event stream (WHATWG HTML, section 9.2.6) that comes in pieces cut anywhere: inside a line, between CR and
 * LF, inside a character. Only the data of events is of interest here; comments, names and ids are skipped.
 */
export class SseParser {
  readonly #decoder = new TextDecoder();
  #line = '';
  #data: string[] = [];
  #endedByReturn = false;

  /** Takes a piece; returns the data of the events that it completes. Throws RangeError for an endless line. */
  push(bytes: Uint8Array): string[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The stream ended. Returns what a last event without its empty line holds: some servers forget that line. */
  end(): string[] {
    const events = this.#read(`${this.#decoder.decode()}\n`);
    if (this.#data.length > 0) events.push(this.#data.join('\n'));
    this.#data = [];
    return events;
  }

  #read(text: string): string[] {
    const events: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      if (character !== '\n' && character !== '\r') {
        this.#endedByReturn = false;
        continue;
      }
      const isSecondHalf = character === '\n' && this.#endedByReturn;
      this.#endedByReturn = character === '\r';
      if (!isSecondHalf) this.#endLine(this.#line + text.slice(start, at), events);
      this.#line = '';
      start = at + 1;
    }
    this.#line += text.slice(start);
    if (this.#line.length > SSE_LINE_CHARACTERS_MAX)
      throw new RangeError('a line of the event stream is too long');
    return events;
  }

  #endLine(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line === 'data') this.#data.push('');
    else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
  }
}
