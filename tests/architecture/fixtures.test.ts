import { beforeAll, describe, expect, it } from 'vitest';
import { checkTree, RULES } from './engine/check.ts';
import { foreignImports, layOver, readFixtures } from './engine/fixtures.ts';
import { layerNames, visibleDomains } from './engine/imports.ts';
import { describeViolation, type Violation } from './engine/tree.ts';

const fixtures = [...readFixtures(), ...foreignImports(layerNames)];
const fixturePaths = new Set(fixtures.flatMap(({ files }) => [...files.keys()]));

/** Ten seconds of work on an idle machine with two cores. */
const CHECK_TIMEOUT_MS = 300_000;

/** What the rules refuse in the project with every fixture laid over it. */
let violations: readonly Violation[] = [];

beforeAll(async () => {
  violations = await checkTree(layOver(fixtures), fixturePaths);
}, CHECK_TIMEOUT_MS);

describe('the project', () => {
  it('breaks no rule', () => {
    const own = violations.filter(({ path }) => !fixturePaths.has(path));
    expect(own.map(describeViolation)).toEqual([]);
  });

  it('has domains that see each other without a circle', () => {
    const seen = (name: string, way: readonly string[]): void => {
      expect(way).not.toContain(name);
      for (const other of visibleDomains.get(name) ?? []) seen(other, [...way, name]);
    };
    for (const name of visibleDomains.keys()) seen(name, []);
  });
});

describe('the rules', () => {
  it.each(fixtures)('refuse: $name ($rule)', ({ rule, files }) => {
    const rules = violations.filter(({ path }) => files.has(path)).map((violation) => violation.rule);
    expect(rules).toContain(rule);
  });

  it('have a fixture each', () => {
    const broken = fixtures.map(({ rule }) => rule);
    expect(RULES.filter((rule) => !broken.includes(rule))).toEqual([]);
  });

  it('are all named', () => {
    const names = new Set(violations.map(({ rule }) => rule));
    expect([...names].filter((rule) => !RULES.includes(rule) && !rule.startsWith('imports-of-'))).toEqual([]);
  });
});
