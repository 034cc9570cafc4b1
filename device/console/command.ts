import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { PlainValue } from '../client/index.ts';
import { parseArgument } from '../node/arguments.ts';
import { idOf, wholeNumber } from '../node/process.ts';
import { serverOption, withAccount, withJson } from '../node/server-options.ts';
import type { GrantOptions } from './allowances.ts';
import type { ChatOptions } from './chat.ts';
import type { Shell } from './completion.ts';
import type { ListDevicesOptions, ShowOptions } from './devices.ts';
import type { DecideDisputeOptions, ListDisputesOptions } from './disputes.ts';
import type { LimitOptions, MakeKeyOptions } from './keys.ts';
import type { LoginOptions, LogoutOptions } from './login.ts';
import type { SendOptions } from './send.ts';
import type { WatchOptions } from './watch.ts';

const SHELLS = ['bash', 'zsh', 'fish'];
const STATUSES = ['active', 'inactive', 'offline'];
const KINDS = ['jotunheim', 'midgard', 'alfheim', 'asgard', 'ragnarok'];
const DEVICE = 'its id, your own id of it, or its name';
const NETWORK = 'its id or name';
const WAIT_SECONDS_MAX = 30;

/** A command that asks the API in the name of a user. */
const asking = (name: string, description: string): Command =>
  withJson(withAccount(new Command(name).description(description)));

/** `yggdrasil login`. */
export function createLoginCommand(): Command {
  return withJson(
    new Command('login')
      .description('Signs this machine in: shows a code, which you let in on a page of the server.')
      .addOption(serverOption())
      .option('--token <token>', 'keep this one instead of asking for one'),
  )
    .addHelpText(
      'after',
      '\nThe token is kept for you alone, in ~/.config/yggdrasil/login.json or YGGDRASIL_LOGIN_FILE, and is sent to this server alone.',
    )
    .action(async (options: LoginOptions) => (await import('./login.ts')).logIn(options));
}

/** `yggdrasil logout`. */
export function createLogoutCommand(): Command {
  return withJson(
    new Command('logout').description('Ends the token of "login", and forgets it.').addOption(serverOption()),
  ).action(async (options: LogoutOptions) => (await import('./login.ts')).logOut(options));
}

/** `list`, `show` and `watch` of `yggdrasil devices`. */
export function createDeviceViewCommands(): Command[] {
  return [
    asking('list', 'Lists your devices.')
      .option('--network <network>', `of this network alone: ${NETWORK}`)
      .addOption(new Option('--status <status>', 'of this status alone').choices(STATUSES))
      .addOption(new Option('--world-type <kind>', 'of this kind alone').choices(KINDS))
      .option('--search <text>', 'with this in their name, or in your id of them')
      .action(async (options: ListDevicesOptions) => (await import('./devices.ts')).listDevices(options)),
    asking('show', 'Shows a device and what it measured last.')
      .argument('<device>', DEVICE)
      .action(async (device: string, options: ShowOptions) =>
        (await import('./devices.ts')).showDevice(device, options),
      ),
    asking('watch', 'Shows the readings of a device as they come, until Ctrl-C.')
      .argument('<device>', DEVICE)
      .option('--count <n>', 'end after so many', wholeNumber(1))
      .action(async (device: string, options: WatchOptions) =>
        (await import('./watch.ts')).watch(device, options),
      ),
  ];
}

/** `yggdrasil watch`. */
export function createWatchCommand(): Command {
  return asking(
    'watch',
    'Shows readings as they come, and devices that come and go, of a device or a network, until Ctrl-C.',
  )
    .argument('[device]', `${DEVICE}; without it a network is watched`)
    .option('--network <network>', `${NETWORK} (default: the one that you have)`)
    .option('--count <n>', 'end after so many lines', wholeNumber(1))
    .action(async (device: string | undefined, options: WatchOptions) => {
      if (device !== undefined && options.network !== undefined) {
        throw new InvalidArgumentError('Give a device or --network, not both.');
      }
      await (await import('./watch.ts')).watch(device, options);
    });
}

/** `yggdrasil send`. */
export function createSendCommand(): Command {
  return asking('send', 'Sends a device a command, and shows its answer.')
    .argument('<device>', DEVICE)
    .argument('<command>', 'as the device names it: "yggdrasil devices show" lists them')
    .argument('[name=value...]', 'its arguments', collectArgument, [])
    .option('--network <network>', `where the device is in several: ${NETWORK}`)
    .option('--wait <seconds>', 'for the answer (default: 10)', wholeNumber(0, WAIT_SECONDS_MAX))
    .addHelpText('after', '\nExample:\n  yggdrasil send lamp led.set on=true')
    .action(
      async (
        device: string,
        command: string,
        given: readonly (readonly [string, PlainValue])[],
        options: SendOptions,
      ) => {
        process.exitCode = await (await import('./send.ts')).send(device, command, given, options);
      },
    );
}

/** `yggdrasil models`. */
export function createModelsCommand(): Command {
  return asking('models', 'Lists the models that are offered now, with their lowest prices.').action(
    async (options: ShowOptions) => (await import('./models.ts')).listModels(options),
  );
}

/** `yggdrasil discover`. */
export function createDiscoverCommand(): Command {
  return withJson(
    new Command('discover')
      .description('Lists the servers that announce themselves in this local network, by multicast DNS.')
      .option('--seconds <n>', 'how long to listen', wholeNumber(1, 60), 2),
  ).action(async (options: { seconds: number; json?: boolean }) =>
    (await import('./discover.ts')).discover(options),
  );
}

const CHAT_HELP = `
The text comes from the arguments or from standard input; on a terminal, without a text, one question follows the other until Ctrl-D.
The answer goes to standard output, what it cost to standard error. Ctrl-C stops an answer: what was written is paid.

Example:
  yggdrasil chat Summarize this: < notes.txt`;

/** `yggdrasil chat`. */
export function createChatCommand(): Command {
  return asking('chat', 'Asks a model of the marketplace; shows the answer as it is written, and its cost.')
    .argument('[text...]', 'what to ask')
    .option('--model <name>', 'as "yggdrasil models" lists it (default: the first of them)')
    .option('--system <text>', 'how it shall answer')
    .option('--max-tokens <n>', 'of the answer', wholeNumber(1))
    .addHelpText('after', CHAT_HELP)
    .action(async (words: string[], options: ChatOptions) => {
      process.exitCode = await (await import('./chat.ts')).chat(words, options);
    });
}

/** `yggdrasil keys`. */
export function createKeysCommand(): Command {
  const load = () => import('./keys.ts');
  return new Command('keys')
    .description('API keys for programs, and what may be spent.')
    .addCommand(
      asking('list', 'Lists your API keys, their limits, and what was spent with them.').action(
        async (options: ShowOptions) => (await load()).listKeys(options),
      ),
    )
    .addCommand(
      asking('make', 'Makes an API key, and prints it once.')
        .argument('<name>', 'what it is called')
        .option(
          '--operation <name...>',
          'what it is for: names, area.*, or * (default: openai.* anthropic.*)',
        )
        .option('--model <name...>', 'these models alone')
        .option('--device <id...>', 'these devices alone')
        .option('--limit <euros>', 'the most it may spend in all', eurosOf)
        .option('--limit-per-day <euros>', 'the most in a day of UTC', eurosOf)
        .option('--limit-per-month <euros>', 'the most in a month of UTC', eurosOf)
        .option('--expires <time>', 'good until then: 2027-01-31T00:00:00Z', timeOf)
        .action(async (name: string, options: MakeKeyOptions) => (await load()).makeKey(name, options)),
    )
    .addCommand(
      asking('revoke', 'Revokes an API key: who uses it is cut off at once.')
        .argument('<id>', 'as "yggdrasil keys list" shows it', idOf)
        .action(async (id: string, options: ShowOptions) => (await load()).revokeKey(id, options)),
    )
    .addCommand(
      asking('limits', 'Shows or sets what your tenant may spend, with all keys and tokens together.')
        .option('--day <euros>', 'the most in a day of UTC; none: no limit', limitOf)
        .option('--month <euros>', 'the most in a month of UTC; none: no limit', limitOf)
        .action(async (options: LimitOptions) => (await load()).limitSpending(options)),
    );
}

const TOKENS_MAX = 1_000_000_000_000;
const DISPUTE = 'as "yggdrasil dispute list" shows it';
const SIDES = ['requester', 'provider', 'operator'];
const REASONS = ['not_delivered', 'wrong_answer', 'wrong_model', 'overcharged', 'other'];
const DISPUTE_STATES = ['open', 'refused', 'refunded_partly', 'refunded'];
const OUTCOMES = ['refused', 'refunded', 'refunded_partly'];

/** `yggdrasil allowance`. */
export function createAllowanceCommand(): Command {
  const load = () => import('./allowances.ts');
  return new Command('allowance')
    .description('Tokens that pay for requests before the balance does.')
    .addCommand(
      asking('list', 'Lists the allowances of your tenant, and what is left of them.').action(
        async (options: ShowOptions) => (await load()).listAllowances(options),
      ),
    )
    .addCommand(
      asking('grant', 'Grants a user tokens at the price of reference. For operators.')
        .argument('<user>', 'the id of the user', idOf)
        .argument('<tokens>', 'how many', wholeNumber(1, TOKENS_MAX))
        .argument('<ends>', 'good until then: 2027-01-31T00:00:00Z', timeOf)
        .option('--key <key>', 'granted once under it, however often it is asked for')
        .action(async (user: string, tokens: number, ends: string, options: GrantOptions) =>
          (await load()).grantAllowance(user, tokens, ends, options),
        ),
    );
}

/** `yggdrasil dispute`. */
export function createDisputeCommand(): Command {
  const load = () => import('./disputes.ts');
  const about = (name: string, description: string) =>
    asking(name, description).argument('<id>', DISPUTE, idOf);
  return new Command('dispute')
    .description('Disputes about requests that were paid.')
    .addCommand(
      asking('list', 'Lists disputes: yours, those about your providers, or for operators those of all.')
        .addOption(new Option('--as <side>', 'whose they are').choices(SIDES).default('requester'))
        .addOption(new Option('--state <state>', 'in this state alone').choices(DISPUTE_STATES))
        .action(async (options: ListDisputesOptions) => (await load()).listDisputes(options)),
    )
    .addCommand(
      about('show', 'Shows a dispute, what was said in it and decided.').action(
        async (id: string, options: ShowOptions) => (await load()).showDispute(id, options),
      ),
    )
    .addCommand(
      asking('open', 'Disputes a request of yours that was paid.')
        .argument('<transaction>', 'the id of the transaction', idOf)
        .addArgument(new Argument('<reason>', 'of which kind').choices(REASONS))
        .argument('<text>', 'what is wrong with it, and what shows that')
        .action(async (transaction: string, reason: string, text: string, options: ShowOptions) =>
          (await load()).openDispute(transaction, reason, text, options),
        ),
    )
    .addCommand(
      about('say', 'Adds what you have to say.')
        .argument('<text>', 'what you have to say')
        .action(async (id: string, text: string, options: ShowOptions) =>
          (await load()).sayInDispute(id, text, options),
        ),
    )
    .addCommand(
      about('agree', 'Agrees, as the owner of a provider, to give everything back.').action(
        async (id: string, options: ShowOptions) => (await load()).endDispute(id, 'agree', options),
      ),
    )
    .addCommand(
      about('withdraw', 'Takes a dispute of yours back.').action(async (id: string, options: ShowOptions) =>
        (await load()).endDispute(id, 'withdraw', options),
      ),
    )
    .addCommand(
      about('decide', 'Ends a dispute. For operators.')
        .addArgument(new Argument('<outcome>', 'what goes back').choices(OUTCOMES))
        .argument('<reason>', 'why, which both sides read')
        .option('--amount <euros>', 'the part that goes back, with refunded_partly', eurosOf)
        .action(async (id: string, outcome: string, reason: string, options: DecideDisputeOptions) =>
          (await load()).decideDispute(id, outcome, reason, options),
        ),
    );
}

const COMPLETION_HELP = `
For good, in the file that your shell reads at its start:
  bash  source <(yggdrasil completion bash)
  zsh   source <(yggdrasil completion zsh)
  fish  yggdrasil completion fish | source`;

/** `yggdrasil completion`. */
export function createCompletionCommand(): Command {
  return new Command('completion')
    .description("Prints what lets your shell complete this program's commands and options.")
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText('after', COMPLETION_HELP)
    .action(async (shell: Shell, _options: object, command: Command) => {
      const { completionOf } = await import('./completion.ts');
      if (command.parent !== null) process.stdout.write(completionOf(command.parent, shell));
    });
}

function collectArgument(
  text: string,
  given: readonly (readonly [string, PlainValue])[],
): readonly (readonly [string, PlainValue])[] {
  return [...given, parseArgument(text)];
}

/** Throws InvalidArgumentError. */
function eurosOf(text: string): string {
  if (/^(0|[1-9]\d*)(\.\d{1,8})?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be euros in decimal, as 5 or 0.25.');
}

const limitOf = (text: string): string => (text === 'none' ? text : eurosOf(text));

/** Throws InvalidArgumentError. */
function timeOf(text: string): string {
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(text) && !Number.isNaN(Date.parse(text)))
    return new Date(text).toISOString();
  throw new InvalidArgumentError('It must be a time, as 2027-01-31T00:00:00Z.');
}
