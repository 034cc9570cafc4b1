import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../server/platform/database/connect.ts';
import { startEmbedded } from '../../../server/platform/database/embedded/start.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { silentLogger } from '../../support/logger.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'yggdrasil-checksums-'));
  // Run as root, the database's user must pass through.
  chmodSync(directory, 0o711);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const start = () =>
  startEmbedded(
    { dataDirectory: directory, secret: 'a secret' },
    { clock: createSystemClock(), logger: silentLogger },
  );

/** Runs statements as the database's owner on a database that is running for as long. */
async function withDatabase<T>(work: (sql: ReturnType<typeof connect>) => Promise<T>): Promise<T> {
  const database = await start();
  const sql = connect(database.urls.ownerUrl, { connectionsMax: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
    await database.stop();
  }
}

/** Flips one bit of the first place that holds `text`. */
function flipBit(path: string, text: string): void {
  const position = readFileSync(path).indexOf(text);
  expect(position).toBeGreaterThan(0);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([text.charCodeAt(0) ^ 1]), 0, 1, position);
  fsyncSync(file);
  closeSync(file);
}

describe('the embedded database', () => {
  it('finds one flipped bit in a data file and names the page; it does not serve it', async () => {
    const path = await withDatabase(async (sql) => {
      expect(await sql`SHOW data_checksums`).toEqual([{ data_checksums: 'on' }]);
      await sql`CREATE SCHEMA shelf`;
      await sql`CREATE TABLE shelf.sums (amount text)`;
      await sql`INSERT INTO shelf.sums VALUES ('one thousand euros')`;
      const [row] = await sql<{ path: string }[]>`SELECT pg_relation_filepath('shelf.sums') AS path`;
      return row?.path ?? '';
    });
    flipBit(join(directory, 'postgresql', 'cluster', path), 'one thousand euros');
    await withDatabase(async (sql) => {
      // Data corrupted, in the list of PostgreSQL's error codes.
      await expect(sql`SELECT amount FROM shelf.sums`).rejects.toMatchObject({
        code: 'XX001',
        message: expect.stringMatching(new RegExp(`invalid page in block 0 of relation.*${path}`)),
      });
    });
    expect(readFileSync(join(directory, 'postgresql.log'), 'utf8')).toContain('page verification failed');
  });
});
