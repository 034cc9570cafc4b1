import { expect, it } from 'vitest';
import { ATTACKS } from '../support/load/attacks.ts';
import { measureAttack } from '../support/load/measure.ts';

it.each(Object.keys(ATTACKS))(
  'a tenant beside an attacker with %s is served and refused nothing, and the server lives',
  async (attack) => {
    const { outcomes, isAlive } = await measureAttack(attack, { seconds: 2, rounds: 1 });
    console.log(JSON.stringify(outcomes));
    for (const { kind, served, refusals } of outcomes) {
      expect({ kind, refusals, isServed: served > 0 }).toEqual({ kind, refusals: [], isServed: true });
    }
    expect(isAlive).toBe(true);
  },
  120_000,
);
