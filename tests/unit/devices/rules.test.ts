import { describe, expect, it } from 'vitest';
import { CAPABILITY_NAME_LENGTH_MAX, CAPABILITY_NAMES_MAX } from '../../../server/domains/devices/limits.ts';
import {
  checkCapabilities,
  commonCapabilitiesVersion,
  statusOf,
} from '../../../server/domains/devices/rules.ts';

const capabilities = {
  platform: 'esp32',
  firmware: '1.0',
  sensors: ['temperature'],
  actuators: [],
  commands: [],
};
const name = 'n'.repeat(CAPABILITY_NAME_LENGTH_MAX);

describe('checkCapabilities', () => {
  it('lets a device say what it can do, up to the limits', () => {
    expect(checkCapabilities(capabilities)).toBeNull();
    expect(
      checkCapabilities({ ...capabilities, commands: Array(CAPABILITY_NAMES_MAX).fill(name) }),
    ).toBeNull();
  });

  it('names the list that is too long', () => {
    const sensors = Array(CAPABILITY_NAMES_MAX + 1).fill('x');
    expect(checkCapabilities({ ...capabilities, sensors })).toContain('sensors');
  });

  it('refuses a name that is too long or holds control characters', () => {
    expect(checkCapabilities({ ...capabilities, platform: `${name}n` })).not.toBeNull();
    expect(checkCapabilities({ ...capabilities, actuators: ['led\u0000'] })).not.toBeNull();
  });

  it.each([
    ['half a character', 'led\ud83d'],
    ['damaged text', 'led\ufffd'],
    ['a zero-width space', 'le\u200bd'],
    ['text that is not in NFC', 'lumie\u0300re'],
    ['a space at its end', 'led '],
    ['nothing', ''],
  ])('refuses a name with %s, and says in which list', (_, wrong) => {
    expect(checkCapabilities({ ...capabilities, actuators: ['led', wrong] })).toMatch(/^actuators: a name /);
  });

  it('lets a device leave out platform and firmware', () => {
    expect(checkCapabilities({ ...capabilities, platform: '', firmware: '' })).toBeNull();
  });
});

describe('commonCapabilitiesVersion', () => {
  it('is the highest that both know, the first one for who names none, and none where there is none', () => {
    expect(commonCapabilitiesVersion([3, 1, 2], [1, 2])).toBe(2);
    expect(commonCapabilitiesVersion([], [1, 2])).toBe(1);
    expect(commonCapabilitiesVersion([3], [1, 2])).toBeNull();
    expect(commonCapabilitiesVersion([], [2])).toBeNull();
  });

  it('is found among as many as a frame holds', () => {
    expect(commonCapabilitiesVersion(Array(250_000).fill(1), [1, 2])).toBe(1);
  });
});

describe('statusOf', () => {
  it.each([
    ['offline', 'is not connected', null],
    ['active', 'was heard from at the end of its time', 500],
    ['inactive', 'was silent for longer', 499],
  ])('is %s for a device that %s', (status, _when, heardAtMs) => {
    expect(statusOf(heardAtMs, 1_000, 500)).toBe(status);
  });
});
