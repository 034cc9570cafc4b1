import { isObject, parseJson } from './json.ts';
import { SSE_LINE_CHARACTERS_MAX } from './limits.ts';

/**
 * Reads an event stream (WHATWG HTML, section 9.2.6) that comes in pieces cut anywhere: inside a line, between CR and
 * LF, inside a character. Only the data of events is of interest here; comments and ids are skipped, and so are events that say no
 * more than that the sender is alive. Some senders forget the empty line between events, or give an error in a way of their own.
 */
export class SseParser {
  readonly #decoder = new TextDecoder();
  #line = '';
  #name = '';
  #data: string[] = [];
  #endedByReturn = false;

  /** Takes a piece; returns the data of the events that it completes. Throws RangeError for an endless line. */
  push(bytes: Uint8Array): string[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The stream ended. Returns what a last event without its empty line holds: some servers forget that line. */
  end(): string[] {
    const events = this.#read(`${this.#decoder.decode()}\n`);
    this.#endEvent(events);
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
    if (line === '') this.#endEvent(events);
    else if (line === 'data') this.#data.push('');
    else if (line.startsWith('data:')) this.#addData(valueIn(line), events);
    else if (line.startsWith('event:')) this.#name = valueIn(line);
    // Lines of JSON without a name (NDJSON), each an event of its own.
    else if (line.startsWith('{') || isDone(line)) this.#addLine(line, events);
    // llama.cpp's, of before 2025.
    else if (line.startsWith('error:')) this.#data.push(asError(valueIn(line)));
  }

  #addData(data: string, events: string[]): void {
    // Data that is whole goes on with no further line: it is the next event's.
    const [first = ''] = this.#data;
    if (this.#data.length === 1 && isWhole(first)) this.#endEvent(events);
    this.#data.push(data);
  }

  #addLine(line: string, events: string[]): void {
    this.#endEvent(events);
    if (isWhole(line)) events.push(line);
  }

  #endEvent(events: string[]): void {
    const data = this.#data.join('\n');
    const name = this.#name;
    this.#data = [];
    this.#name = '';
    if (data.trim() === '' || ALIVE.has(name)) return;
    events.push(name === 'error' ? asError(data) : data);
  }
}

/** Names of events that say no more than that the sender is alive. */
const ALIVE: ReadonlySet<string> = new Set(['ping', 'heartbeat', 'keepalive', 'keep-alive']);

function valueIn(line: string): string {
  const value = line.slice(line.indexOf(':') + 1);
  return value.startsWith(' ') ? value.slice(1) : value;
}

function isWhole(data: string): boolean {
  return isDone(data) || isObject(parseJson(data));
}

/** True for what an endpoint sends at the end of its stream. */
export function isDone(data: string): boolean {
  return /^\s*"?\[DONE\]"?\s*$/i.test(data);
}

/** The data of an event that is an error, as an object that has it under `error`. */
function asError(data: string): string {
  const error = parseJson(data);
  return isObject(error) && error.error != null ? data : JSON.stringify({ error: error ?? data });
}
