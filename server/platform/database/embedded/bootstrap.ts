import { createHmac } from 'node:crypto';
import { connect } from '../connect.ts';
import { SUPERUSER } from './initialize.ts';

/** Owns the database and its tables, and makes the users of the pools. Not a superuser, as with a managed PostgreSQL. */
const OWNER = 'yggdrasil_owner';
const DATABASE = 'yggdrasil';

/** Each user's password follows from the one secret that is kept. */
export function passwordOf(user: string, secret: string): string {
  return createHmac('sha256', secret).update(user).digest('hex');
}

const urlOf = (user: string, database: string, sockets: string, secret: string): string =>
  `postgres://${user}:${passwordOf(user, secret)}@localhost:5432/${database}?host=${encodeURIComponent(sockets)}`;

/** Where each part of the server connects. */
export interface EmbeddedUrls {
  readonly ownerUrl: string;
  readonly superuserUrl: string;
}

/** The URLs of the embedded database behind `sockets`. */
export function embeddedUrls(sockets: string, secret: string): EmbeddedUrls {
  return {
    ownerUrl: urlOf(OWNER, DATABASE, sockets, secret),
    superuserUrl: urlOf(SUPERUSER, 'postgres', sockets, secret),
  };
}

/** Makes the users and the database where they are missing. A start that was cut short is made good by the next. */
export async function bootstrap(urls: EmbeddedUrls, secret: string): Promise<void> {
  const sql = connect(urls.superuserUrl, { connectionsMax: 1 });
  try {
    const users = (await sql<{ rolname: string }[]>`SELECT rolname FROM pg_roles`).map((row) => row.rolname);
    const createUser = async (name: string, attributes: string) => {
      if (users.includes(name)) return;
      await sql.unsafe(`CREATE ROLE ${name} LOGIN ${attributes} PASSWORD '${passwordOf(name, secret)}'`);
    };
    await createUser(OWNER, 'CREATEROLE CREATEDB');
    const databases = await sql`SELECT FROM pg_database WHERE datname = ${DATABASE}`;
    if (databases.length === 0) await sql.unsafe(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
