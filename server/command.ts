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
