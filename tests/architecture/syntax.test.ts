import { describe, expect, it } from 'vitest';
import { findMissingDocstrings } from './engine/docstrings.ts';
import { findLongFunctions } from './engine/functions.ts';
import { findSurroundings } from './engine/surroundings.ts';
import { createTree } from './engine/tree.ts';

const treeOf = (code: string, path = 'server/domains/weather/service.ts') =>
  createTree(new Map([[path, code]]));

describe('what code takes from its surroundings', () => {
  const rulesOf = (code: string) =>
    findSurroundings(treeOf(code))
      .map(({ rule }) => rule)
      .filter((rule) => rule !== 'unused-exception');

  it.each([
    'const at = new Date(nowMs);',
    'const ms = Date.parse(text);',
    'const is = value instanceof Date;',
    'const at: Date = given;',
    'const least = Math.min(a, b);',
    'const { process } = parts; process.start();',
    'function run(fetch: () => void) { fetch(); }',
    'run.fetch(); const x = { fetch: 1 }; x.process = 2;',
    "import { setTimeout } from './clock.ts'; setTimeout();",
    'type Now = typeof performance.now;',
    'signal(AbortSignal.abort());',
    "import { createHash } from 'node:crypto';",
  ])('is nothing: %s', (code) => {
    expect(rulesOf(code)).toEqual([]);
  });

  it.each([
    ['new Date()', 'no-clock'],
    ['new Date', 'no-clock'],
    ['Date()', 'no-clock'],
    ['Date["now"]()', 'no-clock'],
    ['run(Date)', 'no-clock'],
    ['class Later extends Date {}', 'no-clock'],
    ['Math["random"]()', 'no-chance'],
    ['run(Math)', 'no-chance'],
    ["import * as all from 'crypto';", 'no-chance'],
    ["import { webcrypto } from 'node:crypto';", 'no-chance'],
    ['run({ setTimeout })', 'no-timer'],
    ['{ function fetch() {} } fetch();', 'no-network'],
    ['await import(path)', 'no-hidden-code'],
  ])('is refused: %s', (code, rule) => {
    expect(rulesOf(code)).toEqual([rule]);
  });
});

describe('a docstring', () => {
  const namesOf = (code: string) =>
    findMissingDocstrings(treeOf(code)).map(({ detail }) => detail.split(' has ')[0]);

  it('is needed by exported functions in every form', () => {
    expect(namesOf('export const a = () => 1;')).toEqual(['a']);
    expect(namesOf('export const a = (function () {}) satisfies unknown;')).toEqual(['a']);
    expect(namesOf('export default () => 1;')).toEqual(['default']);
    expect(namesOf('export async function a() {}')).toEqual(['a']);
    expect(namesOf('export abstract class A {}')).toEqual(['A']);
    expect(namesOf('const a = () => 1;\nexport { a as b };')).toEqual(['a']);
  });

  it('is one that says something, right before', () => {
    expect(namesOf('/** Says what. */\nexport const a = () => 1;')).toEqual([]);
    expect(namesOf('/** */\nexport const a = () => 1;')).toEqual(['a']);
    expect(namesOf('/** Says what. */\nconst b = 1;\nexport const a = () => b;')).toEqual(['a']);
    expect(namesOf('// Says what.\nexport const a = () => 1;')).toEqual(['a']);
  });

  it('is not needed by constants, types and what stays inside', () => {
    expect(
      namesOf('export const a = 1;\nexport type B = () => void;\nexport interface C {}\nconst d = () => 1;'),
    ).toEqual([]);
  });
});

describe('the length of a function', () => {
  const body = (lines: number) => Array.from({ length: lines }, () => '  work();').join('\n');
  const namesOf = (code: string, path?: string) =>
    findLongFunctions(treeOf(code, path), []).map(({ detail }) => detail.split(' has ')[0]);

  it('is at most 70 lines', () => {
    expect(namesOf(`function a() {\n${body(68)}\n}`)).toEqual([]);
    expect(namesOf(`function a() {\n${body(69)}\n}`)).toEqual(['a']);
    expect(namesOf(`const a = {\n  b: () => {\n${body(69)}\n  },\n};`)).toEqual(['b']);
    expect(namesOf(`class A {\n  constructor() {\n${body(69)}\n  }\n}`)).toEqual(['A.constructor']);
    expect(namesOf(`run(() => {\n${body(69)}\n});`)).toEqual(['anonymous']);
  });

  it('leaves out the docstring, and lists of tests', () => {
    expect(namesOf(`/**\n${body(9)}\n*/\nfunction a() {\n${body(68)}\n}`)).toEqual([]);
    expect(namesOf(`describe('a', () => {\n${body(99)}\n});`, 'tests/unit/a.test.ts')).toEqual([]);
    expect(namesOf(`it.each([1])('a', () => {\n${body(99)}\n});`, 'tests/unit/a.test.ts')).toEqual([]);
    expect(namesOf(`const a = () => {\n${body(99)}\n};`, 'tests/unit/a.test.ts')).toEqual(['a']);
    expect(namesOf(`describe('a', () => {\n${body(99)}\n});`)).toEqual(['anonymous']);
  });

  it('may be more where the list says so, and the list has no line that is not needed', () => {
    const path = 'server/domains/weather/service.ts';
    const rulesOf = (code: string, longer: readonly string[]) =>
      findLongFunctions(treeOf(code, path), longer).map(({ rule }) => rule);
    expect(rulesOf(`function a() {\n${body(69)}\n}`, [`${path}#a`])).toEqual([]);
    expect(rulesOf(`function a() {\n${body(69)}\n}`, [`${path}#b`])).toEqual([
      'function-length',
      'unused-exception',
    ]);
  });
});
