import { expect, test } from 'vitest';
import { findHalfCharacter } from '../../../server/transports/pipeline/half-character.ts';

test.each([
  ['{"a":"x\\ud83d"}', 'body.a'],
  ['{"a":[1,"whole",{"b":"\\udc00"}]}', 'body.a.2.b'],
  ['{"a":{"\\ud83d":1}}', 'body.a'],
  ['"\\ud83d\\ud83d"', 'body'],
  ['{"a":"\\ud83d\\ude00","b":null,"c":[true,1.5]}', null],
])('half of a character in %s is at %s', (text, path) => {
  expect(findHalfCharacter(JSON.parse(text), 'body')).toBe(path);
});

test('is found in very deep JSON', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}"\\ud83d"${']'.repeat(50_000)}`);
  expect(findHalfCharacter(deep, 'body')).toMatch(/^body\.0\.0/);
});
