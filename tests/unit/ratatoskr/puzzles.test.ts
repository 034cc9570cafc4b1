import { describe, expect, it } from 'vitest';
import { decodePayload, encodePayload, RatatoskrHandshake } from '../../../proto/index.ts';
import {
  isSolution,
  PUZZLE_BITS_MAX,
  PUZZLES_FEATURE,
  type Puzzle,
  SessionError,
  solve,
} from '../../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../../proto/ratatoskr/node.ts';
import { createSides } from '../../support/ratatoskr-session.ts';

const puzzle: Puzzle = { bytes: Uint8Array.from({ length: 16 }, (_, index) => index), bits: 8 };
const NOTHING = new Uint8Array(0);

/** Both sides, of which the server asks for this. */
const askedFor = (asked: Puzzle, features = PUZZLES_FEATURE) => createSides('IK', 0, features, () => asked);

/** What ends a side; null: nothing. */
function endingOf(receive: () => unknown): string | null {
  try {
    receive();
    return null;
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return error.code;
  }
}

const written = (fields: ConstructorParameters<typeof RatatoskrHandshake>[0]) =>
  encodePayload(RatatoskrHandshake, fields ?? {});

describe('a puzzle', () => {
  it('is solved by what is found for it, and by nothing else', () => {
    const solution = solve(puzzle, nodeNoiseCrypto);
    expect(isSolution(puzzle, solution, nodeNoiseCrypto)).toBe(true);
    expect(nodeNoiseCrypto.sha256(Buffer.concat([puzzle.bytes, solution]))[0]).toBe(0);
    for (const wrong of [NOTHING, new Uint8Array(8).fill(255), Buffer.concat([solution, solution])])
      expect(isSolution(puzzle, wrong, nodeNoiseCrypto)).toBe(false);
    const harder = { ...puzzle, bits: 32 };
    expect(isSolution(harder, solution, nodeNoiseCrypto)).toBe(false);
  });

  it('is solved on the way into a session, by IK and by XX', () => {
    for (const pattern of ['IK', 'XX'] as const) {
      const { client, server, first } = createSides(pattern, 0, PUZZLES_FEATURE, () => puzzle);
      const asked = server.receive(first).reply ?? NOTHING;
      expect([...asked]).toEqual([...written({ puzzle: puzzle.bytes, puzzleBits: puzzle.bits })]);
      const solved = client.receive(asked).reply ?? NOTHING;
      const third = client.receive(server.receive(solved).reply ?? NOTHING).reply;
      if (third !== null) server.receive(third);
      expect([client.state, server.state]).toEqual(['connecting', 'connecting']);
      expect(server.handshakeHash).toEqual(client.handshakeHash);
    }
  });

  it('keeps who does not solve it, or does not know of any, from agreeing on keys', () => {
    const { server, client, first } = askedFor(puzzle);
    const asked = server.receive(first).reply ?? NOTHING;
    const solved = decodePayload(RatatoskrHandshake, client.receive(asked).reply ?? NOTHING);
    const wrong = encodePayload(RatatoskrHandshake, { ...solved, solution: new Uint8Array(8).fill(255) });
    expect(endingOf(() => server.receive(wrong))).toBe('rate_limited');
    const again = askedFor(puzzle);
    again.server.receive(again.first);
    expect(endingOf(() => again.server.receive(again.first))).toBe('rate_limited');
    const before = askedFor(puzzle, 0);
    expect(endingOf(() => before.server.receive(before.first))).toBe('rate_limited');
  });

  it('ends a session where somebody on the way made, changed or repeated it', () => {
    const sides = askedFor(puzzle);
    const asked = sides.server.receive(sides.first).reply ?? NOTHING;
    const endingOfClient = (...messages: Uint8Array[]) => {
      const { client } = askedFor(puzzle);
      return endingOf(() => messages.map((message) => client.receive(message)));
    };
    for (const wrong of [
      written({ puzzle: puzzle.bytes, puzzleBits: PUZZLE_BITS_MAX + 1 }),
      written({ puzzle: puzzle.bytes.subarray(1), puzzleBits: 1 }),
      written({ puzzle: puzzle.bytes, puzzleBits: 1, noise: puzzle.bytes }),
      written({ puzzle: puzzle.bytes, puzzleBits: 1, solution: puzzle.bytes.subarray(8) }),
      written({ noise: puzzle.bytes, puzzleBits: 1 }),
    ])
      expect(endingOfClient(wrong)).toBe('ratatoskr_message_malformed');
    expect(endingOfClient(asked, asked)).toBe('ratatoskr_message_malformed');
    const unable = askedFor(puzzle, 0);
    expect(endingOf(() => unable.client.receive(asked))).toBe('ratatoskr_message_malformed');
    const first = decodePayload(RatatoskrHandshake, sides.first);
    for (const early of [
      { ...first, solution: puzzle.bytes.subarray(8) },
      { ...first, puzzle: puzzle.bytes },
    ])
      expect(endingOf(() => askedFor(puzzle).server.receive(written(early)))).toBe(
        'ratatoskr_message_malformed',
      );
  });

  it('has no byte that could be changed unnoticed', () => {
    const { client, server, first } = askedFor(puzzle);
    const asked = server.receive(first).reply ?? NOTHING;
    const solved = client.receive(asked).reply ?? NOTHING;
    for (let at = 0; at < solved.length; at++) {
      const changed = solved.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      const sides = askedFor(puzzle);
      sides.client.receive(sides.server.receive(sides.first).reply ?? NOTHING);
      const ending = endingOf(() => sides.client.receive(sides.server.receive(changed).reply ?? NOTHING));
      expect(ending, `byte ${at}`).not.toBeNull();
    }
  });
});
