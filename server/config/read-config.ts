import { StartError } from '../kernel/start-error.ts';
import { describeConfig } from './describe.ts';
import { type Config, configSchema } from './schema.ts';

/** All that is wrong with the configuration, in one message. */
export class ConfigError extends StartError {
  /** One sentence a problem, each beginning with the variable. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const PREFIX = 'YGGDRASIL_';

/** What other commands of the program read: who works with them in a terminal also starts servers in it. */
const OF_OTHER_COMMANDS = new Set([
  'YGGDRASIL_BOOTSTRAP_KEY',
  'YGGDRASIL_CREDENTIALS',
  'YGGDRASIL_LOGIN_FILE',
  'YGGDRASIL_SERVER',
  'YGGDRASIL_TENANT',
  'YGGDRASIL_TOKEN',
]);

/**
 * The configuration in `environment`; an empty variable counts as unset. Throws one ConfigError that names every
 * problem, a variable that begins like ours and is none (a slip of the pen) among them. Never repeats a value, which may
 * be a password.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const rows = describeConfig();
  const known = new Set(rows.map(({ variable }) => variable));
  const unknown = Object.keys(environment)
    .filter(
      (variable) => variable.startsWith(PREFIX) && !known.has(variable) && !OF_OTHER_COMMANDS.has(variable),
    )
    .sort()
    .map((variable) => `${variable} is unknown`);
  const given = rows.flatMap(({ key, variable }) => {
    const value = environment[variable];
    return value === undefined || value === '' ? [] : [[key, value] as const];
  });
  const result = configSchema.safeParse(Object.fromEntries(given));
  const wrong = (result.error?.issues ?? []).map((issue) => {
    const row = rows.find(({ key }) => key === issue.path[0]);
    return `${row?.variable ?? 'configuration'} ${issue.message}`;
  });
  const problems = [...wrong, ...unknown];
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  return result.data;
}
