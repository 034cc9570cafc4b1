/**
 * What an operator runs to back the server up, which makes no backups by itself. The embedded database is copied as files while the
 * server is stopped; of a database by DATABASE_URL the data directory holds the keys alone.
 */
export function backupCommands(kind: 'embedded' | 'server', folder: string): string {
  const copy = `tar -czf yggdrasil-data.tar.gz -C "${folder}" --dereference .`;
  return kind === 'embedded'
    ? copy
    : `pg_dump --format=custom --file=yggdrasil.dump "$DATABASE_URL"\n${copy}`;
}
