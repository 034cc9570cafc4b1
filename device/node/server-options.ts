import { type Command, InvalidArgumentError, Option } from 'commander';
import { idOf } from './process.ts';

/** How a command says which server it works with, and as whom. What is missing is that of `yggdrasil login`. */
export interface ServerOptions {
  readonly server?: string;
  readonly token?: string;
  readonly tenant?: string;
}

const SCHEMES = ['http:', 'https:', 'ws:', 'wss:'];

/** A server as people write it, whichever of its protocols they name. Throws InvalidArgumentError. */
function serverUrl(text: string): string {
  if (URL.canParse(text) && SCHEMES.includes(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must begin with http://, https://, ws:// or wss://.');
}

/** `--server`, in every command that works with one. */
export const serverOption = (): Option =>
  new Option('--server <url>', 'the server (default: that of "yggdrasil login", else http://127.0.0.1:8080)')
    .env('YGGDRASIL_SERVER')
    .argParser(serverUrl);

/** `--token`. */
export const tokenOption = (): Option =>
  new Option(
    '--token <token>',
    'of a user or an API key; better in the environment (default: that of "yggdrasil login")',
  ).env('YGGDRASIL_TOKEN');

/** `--tenant`. */
export const tenantOption = (): Option =>
  new Option('--tenant <id>', "the tenant to act in (default: the account's own)")
    .env('YGGDRASIL_TENANT')
    .argParser(idOf);

/** `--credentials`, of a device. */
export const credentialsOption = (description = 'of a device'): Option =>
  new Option(
    '--credentials <file>',
    `${description}: the JSON that POST /api/v1/devices answered under "credentials"`,
  ).env('YGGDRASIL_CREDENTIALS');

/** Gives a command the options by which people say where and who they are: one way in the whole program. */
export const withAccount = (command: Command): Command =>
  command.addOption(serverOption()).addOption(tokenOption()).addOption(tenantOption());

/** `--json`. */
export const withJson = (command: Command): Command =>
  command.option('--json', 'a line of JSON for each thing, for programs');
