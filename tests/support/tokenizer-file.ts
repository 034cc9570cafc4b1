import { SAMPLE } from '../../server/domains/tokenizers/limits.ts';

/** Characters that stand for bytes in byte-level tokenizers (GPT-2's `bytes_to_unicode`), by byte. */
function byteCharacters(): string[] {
  let further = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isShown = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isShown ? byte : further++);
  });
}

/** The most frequent pairs of the words, one after the other, as byte-pair encoding is trained. */
function trainMerges(words: readonly (readonly string[])[], count: number): [string, string][] {
  let rows = words.map((word) => [...word]);
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const row of rows) {
      for (let at = 1; at < row.length; at++) {
        const pair = `${row[at - 1]}\n${row[at]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    if (best === undefined) break;
    const [left = '', right = ''] = best[0].split('\n');
    merges.push([left, right]);
    rows = rows.map((row) => {
      const merged: string[] = [];
      for (const piece of row) {
        if (piece === right && merged.at(-1) === left) merged[merged.length - 1] = left + right;
        else merged.push(piece);
      }
      return merged;
    });
  }
  return merges;
}

/** A small tokenizer.json of bytes and of `merges` pairs, trained on the sample text. */
export function smallTokenizer(merges = 200, changes: object = {}): Uint8Array {
  const characters = byteCharacters();
  const words = (SAMPLE.match(/ ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+/gu) ?? []).map((word) =>
    [...new TextEncoder().encode(word)].map((byte) => characters[byte] ?? ''),
  );
  const pairs = trainMerges(words, merges);
  const tokens = [...characters, ...pairs.map(([left, right]) => left + right)];
  const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
  const file = {
    version: '1.0',
    added_tokens: [{ id: tokens.length, content: '<|end|>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges: pairs },
    ...changes,
  };
  return new TextEncoder().encode(JSON.stringify(file));
}
