import { Command, InvalidArgumentError } from 'commander';
import { withJson } from '../device/node/server-options.ts';

/** How a command says what it did. */
interface OutputOptions {
  readonly json?: boolean;
}

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
  return withJson(
    new Command('remove-data').description(
      'Removes the data directory (YGGDRASIL_DATA_DIR) with the embedded database in it or behind its link. It does not come back.',
    ),
  )
    .requiredOption('--yes', 'remove it')
    .action(async (options: OutputOptions) => (await import('./main.ts')).removeServerData(options));
}

const OFFLINE = `
Works on the database directly, with the secrets in the data directory, while the server is stopped. It takes the server's environment
variables: YGGDRASIL_DATA_DIR, DATABASE_URL.`;

const BESIDE = `
Works while the server runs and while it is stopped, with the secrets in the data directory. It takes the server's environment
variables: YGGDRASIL_DATA_DIR, DATABASE_URL.`;

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readId(text: string): string {
  if (!ID.test(text)) throw new InvalidArgumentError('It must be an id.');
  return text.toLowerCase();
}

/** `yggdrasil user`. */
export function createUserCommand(): Command {
  const command = new Command('user').description('Users, also when nobody can sign in any more.');
  withJson(command.command('add'))
    .description('Makes a user with a tenant of its own and prints its token, once.')
    .argument('<name>')
    .option('--operator', 'who runs the platform')
    .addHelpText('after', OFFLINE)
    .action(async (name: string, { operator = false, ...output }: OutputOptions & { operator?: boolean }) =>
      (await import('./main.ts')).addUser(name, operator, output),
    );
  withJson(command.command('list'))
    .description('Lists all users.')
    .addHelpText('after', OFFLINE)
    .action(async (output: OutputOptions) => (await import('./main.ts')).listUsers(output));
  return command;
}

/** `yggdrasil token`. */
export function createTokenCommand(): Command {
  const command = new Command('token').description('Tokens of users, also when nobody can sign in any more.');
  withJson(command.command('revoke'))
    .description('Revokes a token, or all of a user.')
    .argument('<id>', 'of the token; of the user with --user', readId)
    .option('--user', 'all tokens of this user')
    .addHelpText('after', OFFLINE)
    .action(async (id: string, { user = false, ...output }: OutputOptions & { user?: boolean }) => {
      const { revokeToken, revokeTokensOf } = await import('./main.ts');
      await (user ? revokeTokensOf(id, output) : revokeToken(id, output));
    });
  return command;
}

/** `yggdrasil setup-code`. */
export function createSetupCodeCommand(): Command {
  return withJson(
    new Command('setup-code').description(
      'Prints a new one-time code that makes the first operator; earlier ones stop working.',
    ),
  )
    .addHelpText('after', OFFLINE)
    .action(async (output: OutputOptions) => (await import('./main.ts')).printSetupCode(output));
}

/** `yggdrasil secrets`. */
export function createSecretsCommand(): Command {
  const command = new Command('secrets').description(
    'What the server encrypts secrets in its database with.',
  );
  withJson(command.command('rotate'))
    .description(
      'Makes a new master key. The server goes on meanwhile; the old key opens nothing afterwards.',
    )
    .addHelpText('after', BESIDE)
    .action(async (output: OutputOptions) => (await import('./main.ts')).rotateMasterKey(output));
  return command;
}

/** `yggdrasil abuse`. */
export function createAbuseCommand(): Command {
  const command = new Command('abuse').description('What is done about what looks like abuse.');
  withJson(command.command('list'))
    .description('Lists who is throttled, cut off or locked, why, and until when.')
    .addHelpText('after', BESIDE)
    .action(async (output: OutputOptions) => (await import('./main.ts')).printAbuse(output));
  withJson(command.command('lift'))
    .description('Undoes one of them; a server that runs follows within half a minute.')
    .argument('<id>', 'as "abuse list" shows it', readId)
    .addHelpText('after', BESIDE)
    .action(async (id: string, output: OutputOptions) => (await import('./main.ts')).undoAbuse(id, output));
  return command;
}

interface VerifyOptions extends OutputOptions {
  readonly key?: string | null;
  readonly tenant?: string | null;
  readonly witness?: readonly string[];
}

function readKey(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('It must be 32 bytes in hexadecimal.');
  return text;
}

/** `yggdrasil audit`; `verifyReceipt` checks a receipt in a file, and needs nothing of the server. */
export function createAuditCommand(
  verifyReceipt: (file: string, key: string | null, output: OutputOptions) => Promise<void>,
): Command {
  const command = new Command('audit').description('The audit: who did what.');
  withJson(command.command('verify'))
    .description('Finds records that were changed, removed, inserted or reordered since, and says which.')
    .argument('[file]', 'a receipt, as "audit show" prints it: checked without the server')
    .option('--key <key>', "with a file: the server's public key, which must have signed it", readKey)
    .option('--tenant <id>', 'of this tenant alone', readId)
    .option(
      '--witness <file...>',
      'what witnesses have kept: finds an end that was cut, and a second history',
    )
    .addHelpText('after', BESIDE)
    .action(async (file: string | undefined, options: VerifyOptions) => {
      const { key = null, tenant = null, witness = [], ...output } = options;
      if (file !== undefined) await verifyReceipt(file, key, output);
      else await (await import('./main.ts')).verifyAudit(tenant, witness, output);
    });
  return command;
}
