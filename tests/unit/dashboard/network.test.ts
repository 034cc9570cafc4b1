import { describe, expect, it } from 'vitest';
import { readOperations, toPermission } from '../../../server/dashboard/views/connections/decision.ts';
import { readScripts } from '../../../server/dashboard/views/device/installed-scripts.ts';
import {
  extentOf,
  inOrder,
  shortName,
  spotsAround,
} from '../../../server/dashboard/views/network/map-layout.ts';

describe('a network that is drawn', () => {
  it('has every device at a place of its own, inside the drawing, with room for its name', () => {
    for (const count of [0, 1, 2, 9, 10, 40, 96]) {
      const spots = spotsAround(count);
      expect(spots).toHaveLength(count);
      const extent = extentOf(spots);
      expect(spots.every(({ x, y }) => Math.abs(x) < extent && Math.abs(y) < extent)).toBe(true);
      for (const [index, one] of spots.entries()) {
        const distances = spots
          .filter((_, other) => other !== index)
          .map((other) => Math.hypot(one.x - other.x, one.y - other.y));
        expect(Math.min(...distances, 100)).toBeGreaterThan(40);
      }
    }
  });

  it('has home servers first, then those that are reachable', () => {
    const device = (name: string, worldType: 'asgard' | 'midgard', health: 'reachable' | 'offline') => ({
      ...{ id: name, name, worldType, health },
      ...{ guest: false, links: [] },
    });
    const devices = [
      device('b', 'midgard', 'offline'),
      device('c', 'midgard', 'reachable'),
      device('a', 'midgard', 'reachable'),
      device('z', 'asgard', 'offline'),
    ];
    expect(inOrder(devices).map(({ name }) => name)).toEqual(['z', 'a', 'c', 'b']);
  });

  it('cuts long names between characters', () => {
    expect([shortName('First lamp!'), shortName('🌱'.repeat(12))]).toEqual([
      'First lamp!',
      `${'🌱'.repeat(10)}…`,
    ]);
  });
});

describe('an answer to a device that asks', () => {
  it('is of the operations that are named, or of everything', () => {
    expect(readOperations(' led.set, door.*\nled.set ')).toEqual(['led.set', 'door.*']);
    expect(readOperations(' , ')).toBeNull();
  });

  it('ends when it is said to', () => {
    expect(toPermission('always', '', 0)).toEqual({ allow: true, once: false });
    expect(toPermission('once', 'led.set', 0)).toEqual({ allow: true, once: true, operations: ['led.set'] });
    expect(toPermission('day', '', 0)).toEqual({
      allow: true,
      once: false,
      until: '1970-01-02T00:00:00.000Z',
    });
  });
});

it('the scripts of a device are read from what it answers, by name', () => {
  const values = {
    count: 2,
    'b.version': 3,
    'b.state': 'failed',
    'b.error': 'time_limit',
    'b.calls': 9,
    'a.version': 1,
    'a.state': 'running',
  };
  expect(readScripts(values)).toEqual([
    { name: 'a', version: 1, state: 'running', error: '', calls: 0 },
    { name: 'b', version: 3, state: 'failed', error: 'time_limit', calls: 9 },
  ]);
});
