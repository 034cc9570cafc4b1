import { expect, test } from 'vitest';
import { createPasswordHasher } from '../../../server/platform/password-hash/index.ts';

const ANN = { id: 'ann', isKnown: true };

test('a password is right for its hash alone, and for no hash none is', async () => {
  const hasher = createPasswordHasher();
  const kept = await hasher.hash(ANN, 'correct horse');
  expect(kept).toMatch(/^\$argon2id\$v=19\$m=47104,t=1,p=1\$/);
  expect(await hasher.hash(ANN, 'correct horse')).not.toBe(kept);
  expect(await hasher.isRight(ANN, kept, 'correct horse')).toBe(true);
  expect(await hasher.isRight(ANN, kept, 'correct horsf')).toBe(false);
  expect(await hasher.isRight(ANN, null, 'correct horse')).toBe(false);
});

/** Checks passwords of a hasher, and notes whose check ended, in order. */
function checking() {
  const hasher = createPasswordHasher();
  const ended: string[] = [];
  const check = (id: string, isKnown = false) =>
    hasher.isRight({ id, isKnown }, null, 'any').then(
      () => ended.push(id),
      ({ code }: { code: string }) => ended.push(`${id} ${code}`),
    );
  return { ended, check };
}

test('who sends many passwords waits behind himself, and is refused before anybody else is', async () => {
  const { ended, check } = checking();
  const flood = Array.from({ length: 20 }, () => check('flood'));
  const neighbour = check('neighbour');
  await Promise.all([...flood, neighbour]);
  expect(ended.filter((outcome) => outcome === 'flood unavailable')).toHaveLength(15);
  // One was being checked when the neighbour came, one was the flood's turn.
  const checked = ended.filter((outcome) => !outcome.endsWith('unavailable'));
  expect(checked.slice(0, 3)).toContain('neighbour');
});

test('however many strangers wait, who is known waits for two of them at most', async () => {
  const { ended, check } = checking();
  const strangers = Array.from({ length: 33 }, (_, number) =>
    Array.from({ length: 4 }, () => check(`stranger ${number}`)),
  ).flat();
  const known = check('known', true);
  await known;
  expect(ended.filter((outcome) => outcome.endsWith('unavailable')).length).toBeGreaterThan(0);
  expect(ended.filter((outcome) => !outcome.endsWith('unavailable')).indexOf('known')).toBeLessThan(3);
  await Promise.all(strangers);
});
