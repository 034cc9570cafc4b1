import { realpath } from 'node:fs/promises';
import { connect } from '../connect.ts';
import { embeddedUrls } from './bootstrap.ts';
import { databaseFolder, socketsOf } from './place.ts';

/** Where the embedded database of a server that runs is reached, as its owner; null: it doesn't answer. */
export async function findRunningDatabase(dataDirectory: string, secret: string): Promise<string | null> {
  const home = await realpath(databaseFolder(dataDirectory)).catch(() => null);
  if (home === null) return null;
  const { ownerUrl } = embeddedUrls(socketsOf(home), secret);
  const sql = connect(ownerUrl, { connectionsMax: 1 });
  try {
    await sql`SELECT 1`;
    return ownerUrl;
  } catch {
    return null;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
