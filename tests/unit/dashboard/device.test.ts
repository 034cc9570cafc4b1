import { describe, expect, it } from 'vitest';
import {
  PROGRAMS,
  type Program,
  settingsFor,
  shortNameOf,
} from '../../../server/dashboard/views/connect/settings.ts';
import { readArguments, readValue, writeValue } from '../../../server/dashboard/views/device/arguments.ts';
import {
  addRecent,
  type History,
  RANGES,
  RECENT_MAX,
} from '../../../server/dashboard/views/device/history.ts';
import { codeFor } from '../../../server/dashboard/views/use/code.ts';

describe('arguments of a command, as people write them', () => {
  it('are numbers, truth or text; in quotes always text', () => {
    const text = 'on=true\nlevel = 21.5\nfast\nname=a=b\ncode="007"\n\nempty=';
    expect(readArguments(text)).toEqual({
      on: true,
      level: 21.5,
      fast: true,
      name: 'a=b',
      code: '007',
      empty: '',
    });
  });

  it('are read as they were written', () => {
    for (const value of ['', 'true', '12', 'plain', ' 1 ', '"', 5, -0.5, true, false]) {
      expect(readValue(writeValue(value)), JSON.stringify(value)).toBe(value);
    }
  });
});

describe('a plot that goes on', () => {
  const at = (seconds: number, value: number) => ({
    name: 't',
    unit: '',
    at: new Date(seconds * 1000).toISOString(),
    value,
  });

  it('takes what is later, and of what is too close together the last', () => {
    const history: History = { times: [100], values: [1] };
    for (const reading of [at(99, 5), at(100, 6), at(100.1, 2), at(110, 3)])
      addRecent(history, reading, 'hour');
    expect(history).toEqual({ times: [100, 110], values: [2, 3] });
  });

  it('keeps no more than it may', () => {
    const history: History = { times: [], values: [] };
    for (let index = 0; index < RECENT_MAX + 10; index++) {
      addRecent(history, at(index * RANGES.hour.step, index), 'hour');
    }
    expect([history.times.length, history.values.length, history.values.at(-1)]).toEqual([
      RECENT_MAX,
      RECENT_MAX,
      RECENT_MAX + 9,
    ]);
  });
});

describe('the settings of a device', () => {
  const access = {
    host: 'home.example.org',
    port: 8883,
    deviceId: 'the-id',
    username: 'the-user',
    password: 'the-word',
  };

  it.each(Object.keys(PROGRAMS) as Program[])('name everything that %s must know', (program) => {
    const text = settingsFor(program, { ...access, tls: true })
      .map((part) => part.text)
      .join('\n');
    for (const value of ['home.example.org', '8883', 'the-user', 'the-word']) expect(text).toContain(value);
  });

  it('ask for TLS where the server has it', () => {
    const differs = (Object.keys(PROGRAMS) as Program[]).filter(
      (program) =>
        JSON.stringify(settingsFor(program, { ...access, tls: true })) !==
        JSON.stringify(settingsFor(program, { ...access, tls: false })),
    );
    expect(differs).toEqual(Object.keys(PROGRAMS));
  });
});

it.each([
  ['Küchen-Lampe (links)', 'kuchen-lampe-li'],
  ['Lamp', 'lamp'],
  ['  -- 2nd floor', '2nd-floor'],
  ['Hall lamp no. 2', 'hall-lamp-no-2'],
  ['مخزن', 'device'],
  ['', 'device'],
])('the short user name of a device that is called %j begins with %s', (name, word) => {
  expect(shortNameOf(name)).toBe(word);
  expect(word).toMatch(/^[a-z0-9][a-z0-9-]{0,14}$/);
});

it('code that is shown names the server, the key and the model, and can hold any of them', () => {
  const values = { origin: 'https://home.example.org', key: 'ygk_1', model: 'a"b' };
  expect(codeFor('python', values)).toContain('base_url="https://home.example.org/v1", api_key="ygk_1"');
  expect(codeFor('javascript', values)).toContain('model: "a\\"b"');
  expect(codeFor('curl', { ...values, key: null })).toContain('Bearer <your key>');
});
