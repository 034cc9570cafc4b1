import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createMemoryFile } from '../../../device/virtual/memory-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OLD = { nonce: 5, commandNonces: {}, answers: [] };

function written(content: object) {
  const path = join(folder, 'state');
  writeFileSync(path, JSON.stringify(content));
  return createMemoryFile(path);
}

it('a memory that version 0.4 wrote is read, with nothing begun and nobody forgotten', () => {
  const absent = { forgottenNonce: 0, begun: null, begunAction: null, settings: {} };
  expect(written(OLD).load()).toEqual({ ...OLD, ...absent });
});

it.each([
  { settings: null },
  { begun: 1 },
  { begun: {} },
  { begun: { commandId: 1, sourceId: '' } },
  { forgottenNonce: '7' },
])('a memory with %o is refused as damaged', (change) => {
  expect(() => written({ ...OLD, ...change }).load()).toThrow('is damaged');
});
