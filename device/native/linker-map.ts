/** One object's part of one section, as the linker placed it. */
export interface MapEntry {
  readonly section: string;
  readonly bytes: number;
  readonly object: string;
}

const START = 'Linker script and memory map';
const ENTRY = /^ (COMMON|\.[\w.$-]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$/gm;

/** Reads the map file of GNU ld: what was linked, without what was thrown away. */
export function readLinkerMap(text: string): MapEntry[] {
  const linked = text.slice(text.indexOf(START));
  // A long section name has its numbers on the next line.
  const joined = linked.replaceAll(/^( \.[\w.$-]+)\n\s+0x/gm, '$1 0x');
  return [...joined.matchAll(ENTRY)].map(([, section = '', size = '0', object = '']) => ({
    section,
    bytes: Number.parseInt(size, 16),
    object,
  }));
}

/** Bytes of code and constants. */
export function codeBytes(entries: readonly MapEntry[]): number {
  return sum(entries.filter(({ section }) => /^\.(init|text|rodata|srodata)\b/.test(section)));
}

/** Bytes of variables. */
export function variableBytes(entries: readonly MapEntry[]): number {
  return sum(entries.filter(({ section }) => /^(COMMON$|\.(data|sdata|bss|sbss)\b)/.test(section)));
}

function sum(entries: readonly MapEntry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}
