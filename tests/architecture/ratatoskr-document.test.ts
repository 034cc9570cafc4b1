import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ErrorCode, errorCodeNumber, RatatoskrType } from '../../proto/index.ts';
import {
  CLEAR_FEATURE,
  deviceSignedBytes,
  MESSAGE_BYTES_MAX,
  PIECE_BYTES_MAX,
  PUZZLES_FEATURE,
  REQUEST_AREAS,
  RESUMPTION_FEATURE,
  requestTypeOf,
  SIGNATURES_FEATURE,
  SIGNED_TYPES,
  TIMES_FEATURE,
  TYPES_FEATURE,
} from '../../proto/ratatoskr/index.ts';
import { createCatalogue } from '../../server/app/operations.ts';
import { TICKETS_MAX } from '../../server/domains/sessions/limits.ts';
import type { Actor } from '../../server/kernel/actor.ts';
import { may } from '../../server/kernel/permission.ts';
import { ARRIVING_BODY_BYTES_MAX } from '../../server/platform/http/limits.ts';
import { errorTable } from '../../server/transports/error-table.ts';
import * as limits from '../../server/transports/ratatoskr/limits.ts';
import { CONTROL_SESSION, OPEN_SESSION } from '../../server/transports/ratatoskr/operations.ts';
import { TYPE_LIMITS } from '../../server/transports/ratatoskr/type-limits.ts';
import { CONVERSATION } from '../support/ratatoskr-session.ts';

const page = readFileSync('docs/ratatoskr.md', 'utf8');
const schema = ['ratatoskr', 'compute']
  .map((name) => readFileSync(`proto/yggdrasil/v1/${name}.proto`, 'utf8'))
  .join('\n');
const catalogue = createCatalogue({} as never);

/** The rows of the document's table with this heading, cell by cell, without the marks of code. */
function rowsOf(heading: string): string[][] {
  const [, table = ''] = page.split(`${heading}\n`);
  const lines = table.split('\n');
  return lines.slice(1, lines.indexOf('')).map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replaceAll('`', '')),
  );
}

const grouped = (number: number) => number.toLocaleString('en-US');

describe('the tables of docs/ratatoskr.md', () => {
  it('name every type of message with its number, who sends it, and its payload', () => {
    const rows = rowsOf('| type | number | from | payload | when |');
    const described = rows.map(([name, number, from]) => [name, Number(number), from]);
    const types = Object.values(RatatoskrType).filter((type) => typeof type === 'number' && type > 0);
    const senders = (type: unknown) => [
      ...new Set(CONVERSATION.filter(([, sent]) => sent === type).map(([who]) => who)),
    ];
    const real = types.map((type) => {
      const [first = '', second] = senders(type);
      const from = type === RatatoskrType.DISCONNECT || second !== undefined ? 'both' : first;
      return [RatatoskrType[type as RatatoskrType], type, from];
    });
    expect(described.toSorted()).toEqual(real.toSorted());
    for (const [, , , payload = ''] of rows) expect(schema).toContain(`message ${payload.split(',')[0]} {`);
  });

  it('name every feature', () => {
    expect(rowsOf('| feature | what for |').map(([number]) => Number(number))).toEqual([
      RESUMPTION_FEATURE,
      TYPES_FEATURE,
      TIMES_FEATURE,
      CLEAR_FEATURE,
      SIGNATURES_FEATURE,
      PUZZLES_FEATURE,
    ]);
  });

  it('say what a device signs, to the byte, and in which messages', () => {
    const [label = '', hash, direction, type, sequence] = rowsOf('| bytes | what |');
    const text = label[1]?.split(' in ASCII')[0] ?? '';
    const [labelBytes, ...others] = [label, hash, direction, type, sequence].map((row) => Number(row?.[0]));
    const message = Uint8Array.of(1, 2, 3);
    const signed = deviceSignedBytes(new Uint8Array(32), { type: 18, sequence: 5, message });
    expect(Buffer.from(signed.subarray(0, labelBytes)).toString()).toBe(text);
    const before = others.reduce((sum, bytes) => sum + bytes, text.length);
    expect([...signed.subarray(before)]).toEqual([...message]);
    for (const kind of SIGNED_TYPES)
      expect(page.split('## What a device signs')[1]).toContain(RatatoskrType[kind]);
    // Nothing else that a device may do moves money: its session needs no other signature.
    const money = [...catalogue.rest, ...catalogue.openai, ...catalogue.anthropic].filter(
      ({ audit }) => audit === 'money',
    );
    const device = { kind: 'device' } as Actor;
    for (const { access, operation } of money)
      expect(access === 'public' || may(device, access), operation).toBe(false);
  });

  it('say under which type an operation is asked for, and of no area that the catalogue has not', () => {
    const rows = rowsOf('| type | areas |').filter(([, areas]) => areas !== 'all others');
    const described = rows.flatMap(([type, areas = '']) => areas.split(', ').map((area) => [area, type]));
    expect(described).toEqual([...REQUEST_AREAS].map(([area, type]) => [area, RatatoskrType[type]]));
    const operations = [...catalogue.rest, ...catalogue.openai, ...catalogue.anthropic];
    for (const [area = ''] of described) {
      const ofArea = operations.filter(({ operation }) => operation.startsWith(`${area}.`));
      expect(ofArea, area).not.toEqual([]);
      for (const { operation } of ofArea) expect(requestTypeOf(operation)).toBe(REQUEST_AREAS.get(area));
    }
  });

  it('name every code that a session has of its own, each with a close code of the table of errors', () => {
    const rows = rowsOf('| code | close code | when |');
    const closeCodes = Object.values(errorTable).map(({ webSocketCloseCode }) => webSocketCloseCode);
    for (const [code = '', closeCode] of rows) {
      expect(errorCodeNumber(code as never), code).toBeGreaterThan(0);
      expect(closeCodes).toContain(Number(closeCode));
    }
    const own = Object.keys(ErrorCode)
      .map((code) => code.toLowerCase())
      .filter((code) => code.startsWith('ratatoskr_'));
    const all = [...own, ...OPEN_SESSION.errors, ...CONTROL_SESSION.errors];
    expect(all.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  it('have the limits by type that the code has, one of each type that a client sends', () => {
    const rows = rowsOf('| type | bytes of its payload | in a minute | at the same time |');
    const written = (number: number | undefined) => (number === undefined ? '-' : grouped(number));
    const real = [...TYPE_LIMITS].map(([type, { bytesMax, perMinuteMax, runningMax }]) => [
      RatatoskrType[type],
      ...[bytesMax, perMinuteMax, runningMax].map(written),
    ]);
    expect(rows).toEqual(real);
    const sent = new Set(CONVERSATION.flatMap(([who, type]) => (who === 'client' ? [type] : [])));
    expect(new Set(TYPE_LIMITS.keys())).toEqual(sent);
  });

  it('have the limits that the code has', () => {
    const rows = new Map(rowsOf('| what | how much |').map(([what = '', much = '']) => [what, much]));
    const real: Record<string, readonly string[]> = {
      'a message on the wire': [`${grouped(MESSAGE_BYTES_MAX)} bytes`],
      'requests at the same time in a session (requests_max)': [`${limits.REQUESTS_MAX},`],
      'input on its way in a session (input_bytes_max)': [`${grouped(limits.INPUT_BYTES_MAX)} bytes`],
      'input on its way in all sessions of a tenant': [`${grouped(ARRIVING_BODY_BYTES_MAX / 2)} bytes`],
      [`answers of more than ${grouped(PIECE_BYTES_MAX)} bytes that wait to be taken, in all sessions of a tenant`]:
        [`${grouped(ARRIVING_BODY_BYTES_MAX / 2)} bytes`],
      'time until there is credit for the next piece of an answer': [`${limits.CREDIT_TIMEOUT_MS / 1_000} s`],
      'an answer before credit (stream_window_bytes)': [`${grouped(limits.STREAM_WINDOW_BYTES)} bytes`],
      'time until a session is open': [`${limits.OPENING_TIMEOUT_MS / 1_000} s`],
      "a request's time from the server's": [`${limits.CLOCK_WINDOW_MS / 60_000} minutes`],
      'sessions that are being opened': [
        `${grouped(limits.OPENING_MAX)};`,
        `${limits.OPENING_PER_ADDRESS_MAX} from one address`,
      ],
      'sessions of one address that are begun and not opened in a minute without a puzzle': [
        `${limits.PUZZLE_FROM};`,
        `${grouped(limits.PUZZLE_FROM_ALL)} of all addresses`,
        `${limits.PUZZLE_BITS} bits, ${grouped(2 ** limits.PUZZLE_BITS)} hashes`,
      ],
      'tickets of a tenant that are kept': [`${TICKETS_MAX}:`],
    };
    for (const [what, parts] of Object.entries(real))
      for (const part of parts) expect(rows.get(what), what).toContain(part);
  });
});
