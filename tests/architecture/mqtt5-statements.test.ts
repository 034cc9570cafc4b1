import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type HoldingTest,
  PAHO_CASES,
  STATEMENTS,
  STATEMENTS_OF_SECTIONS,
} from './rules/mqtt5-statements.ts';

const texts = new Map<string, string>();
function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(file, 'utf8');
  texts.set(file, text);
  return text;
}

const isThere = ({ file, title }: HoldingTest) =>
  [`'${title}`, `"${title}`, `\`${title}`].some((beginning) => textOf(file).includes(beginning));

/** Those whose test is not there. */
const withoutTest = (table: Readonly<Record<string, HoldingTest | string>>) =>
  Object.entries(table)
    .filter(([, held]) => typeof held !== 'string' && !isThere(held))
    .map(([name]) => name);

describe('the statements of MQTT 5', () => {
  it('are all in the table, and no others', () => {
    const all = Object.entries(STATEMENTS_OF_SECTIONS).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, index) => `${section}-${index + 1}`),
    );
    expect(Object.keys(STATEMENTS).sort()).toEqual(all.sort());
  });

  it('are held by tests that are there', () => {
    expect(withoutTest(STATEMENTS)).toEqual([]);
    expect(withoutTest(PAHO_CASES)).toEqual([]);
  });

  it('are missed where a test has another title', () => {
    const held = { file: 'tests/acceptance/mqtt/mqtt5.test.ts', title: 'no test has this title' };
    expect(withoutTest({ one: held })).toEqual(['one']);
  });
});
