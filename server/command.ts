import { Command } from 'commander';

const CONFIGURATION = `
Its configuration is environment variables (YGGDRASIL_PORT, DATABASE_URL ...): README.md lists them under "Configuration".`;

/** `yggdrasil server`. */
export function createServerCommand(): Command {
  return new Command('server')
    .description('Runs the server: relay, marketplace, and the database unless DATABASE_URL names another.')
    .addHelpText('after', CONFIGURATION)
    .action(async () => (await import('./main.ts')).runServer());
}

/** `yggdrasil remove-data`. */
export function createRemoveDataCommand(): Command {
  return new Command('remove-data')
    .description(
      'Removes the data directory (YGGDRASIL_DATA_DIR) with the embedded database in it or behind its link. It does not come back.',
    )
    .requiredOption('--yes', 'remove it')
    .action(async () => (await import('./main.ts')).removeServerData());
}
