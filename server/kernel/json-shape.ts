/** What a JSON text is made of, as far as that decides what it costs once it is read. */
export interface JsonShape {
  /** Objects and lists inside each other. */
  readonly levels: number;
  /** Objects, lists, and names in objects: each takes more memory than its few characters. */
  readonly parts: number;
  /** Commas between values. */
  readonly commas: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * The shape of a JSON text in UTF-8, found without reading it: a text of 8 MiB can hold millions of objects, or levels
 * that exhaust the stack of whoever writes them out again. For what is no JSON it tells something, and never throws.
 */
export function jsonShapeOf(json: Uint8Array): JsonShape {
  let levels = 0;
  let level = 0;
  let parts = 0;
  let commas = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE:
        at = endOfText(json, at);
        break;
      case OPENING_BRACE:
      case OPENING_BRACKET:
        parts++;
        level++;
        if (level > levels) levels = level;
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        level--;
        break;
      case COLON:
        parts++;
        break;
      case COMMA:
        commas++;
        break;
    }
  }
  return { levels, parts, commas };
}

/** Where the text that begins at `start` ends. */
function endOfText(json: Uint8Array, start: number): number {
  for (let from = start + 1; ; ) {
    const quote = json.indexOf(QUOTE, from);
    if (quote < 0) return json.length;
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}
