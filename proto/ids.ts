/** The character codes of the hexadecimal digits. */
const DIGITS = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** The character codes of the UUID at work; its dashes stay. */
const codes = new Array<number>(36).fill('-'.charCodeAt(0));
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID as somebody wrote it, in either case, as we print it: in lower case. Null for what is none. */
export function parseUuid(text: string): string | null {
  return UUID.test(text) ? text.toLowerCase() : null;
}

/**
 * 16 bytes as a UUID in lower-case text. Reads `bytes[offset .. offset + 16)`. The text is made in one piece: joined from
 * parts, it would have to be put together again wherever it is looked up.
 */
export function uuidFromBytes(bytes: Uint8Array, offset = 0): string {
  let position = 0;
  for (let index = 0; index < 16; index++) {
    if (startsGroup(index)) position++;
    const byte = bytes[offset + index] as number;
    codes[position++] = DIGITS[byte >> 4] as number;
    codes[position++] = DIGITS[byte & 15] as number;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Texts of UUIDs that were read lately, by their lowest bits. */
const RECENT_MASK = 1_023;
const recent = new Array<{ readonly words: readonly number[]; readonly text: string } | undefined>(
  RECENT_MASK + 1,
);

/** As `uuidFromBytes`, for a UUID that comes again and again: four times as fast for one that came lately. */
export function recurringUuidFromBytes(bytes: Uint8Array, offset: number): string {
  const [first, second, third, last] = [
    wordAt(bytes, offset),
    wordAt(bytes, offset + 4),
    wordAt(bytes, offset + 8),
    wordAt(bytes, offset + 12),
  ];
  const known = recent[last & RECENT_MASK];
  if (known !== undefined) {
    const { words, text } = known;
    if (words[0] === first && words[1] === second && words[2] === third && words[3] === last) return text;
  }
  const text = uuidFromBytes(bytes, offset);
  recent[last & RECENT_MASK] = { words: [first, second, third, last], text };
  return text;
}

function wordAt(bytes: Uint8Array, offset: number): number {
  const [first, second, third, last] = [
    bytes[offset] as number,
    bytes[offset + 1] as number,
    bytes[offset + 2] as number,
    bytes[offset + 3] as number,
  ];
  return (first << 24) | (second << 16) | (third << 8) | last;
}

/** A UUID in text (dashes where they belong, either case) as its 16 bytes. Throws `RangeError` for what is none. */
export function uuidToBytes(uuid: string): Uint8Array {
  if (!UUID.test(uuid)) throw new RangeError('The text is not a UUID.');
  const bytes = new Uint8Array(16);
  let position = 0;
  for (let index = 0; index < 16; index++) {
    if (startsGroup(index)) position++;
    bytes[index] = (digit(uuid.charCodeAt(position)) << 4) | digit(uuid.charCodeAt(position + 1));
    position += 2;
  }
  return bytes;
}

/** Whether a dash stands before this byte. */
function startsGroup(index: number): boolean {
  return index === 4 || index === 6 || index === 8 || index === 10;
}

/** The value of a hexadecimal digit, by its character code. */
function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}
