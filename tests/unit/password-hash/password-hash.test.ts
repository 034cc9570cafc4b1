import { expect, test } from 'vitest';
import { createPasswordHasher } from '../../../server/platform/password-hash/index.ts';

test('a password is right for its hash alone, and for no hash none is', async () => {
  const hasher = createPasswordHasher();
  const kept = await hasher.hash('a', 'correct horse');
  expect(kept).toMatch(/^\$argon2id\$v=19\$m=47104,t=1,p=1\$/);
  expect(await hasher.hash('a', 'correct horse')).not.toBe(kept);
  expect(await hasher.isRight('a', kept, 'correct horse')).toBe(true);
  expect(await hasher.isRight('a', kept, 'correct horsf')).toBe(false);
  expect(await hasher.isRight('a', null, 'correct horse')).toBe(false);
});

test('who sends many passwords waits behind himself, and is refused before anybody else is', async () => {
  const hasher = createPasswordHasher();
  const ended: string[] = [];
  const check = (client: string) =>
    hasher.isRight(client, null, 'any').then(
      () => ended.push(client),
      ({ code }: { code: string }) => ended.push(`${client} ${code}`),
    );
  const flood = Array.from({ length: 20 }, () => check('flood'));
  const neighbour = check('neighbour');
  await Promise.all([...flood, neighbour]);
  expect(ended.filter((outcome) => outcome === 'flood unavailable')).toHaveLength(3);
  // One was being checked when the neighbour came, one was the flood's turn.
  const checked = ended.filter((outcome) => !outcome.endsWith('unavailable'));
  expect(checked.slice(0, 3)).toContain('neighbour');
});
