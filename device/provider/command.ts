import { Command, InvalidArgumentError, type Option } from 'commander';
import { decimalCents, urlOf, wholeNumber } from '../node/process.ts';
import { credentialsOption, serverOption, tokenOption } from '../node/server-options.ts';
import type { ConnectOptions } from './connect.ts';
import type { DoctorOptions } from './doctor.ts';
import { FEATURES } from './features.ts';
import type { ProviderOptions } from './main.ts';

const SLOTS_MAX = 1000;
/** Servers and HTTP clients wait no longer. */
const FIRST_TOKEN_TIMEOUT_SECONDS_MAX = 290;

const SERVER_KEY = "the server's public key, as GET /api/v1/server says it (default: the one it shows)";
const ENDPOINT = 'e.g. http://127.0.0.1:11434/v1';
const API_KEY = 'sent to the endpoint; better in the environment, as PROVIDER_API_KEY';

/** `yggdrasil provider`, with `connect` and `doctor`. */
export function createProviderCommand(): Command {
  return createServingCommand()
    .enablePositionalOptions()
    .addCommand(createConnectCommand())
    .addCommand(createDoctorCommand());
}

function createConnectCommand(): Command {
  return new Command('connect')
    .description(
      'Finds the models of an endpoint, registers the device with them, serves, and says what it earns.',
    )
    .addOption(credentialsOption('of the provider').makeOptionMandatory())
    .addOption(sessionsOption())
    .option('--server-key <key>', SERVER_KEY)
    .requiredOption('--endpoint <url>', ENDPOINT, urlOf('http', 'https'))
    .option('--models <names>', 'with commas between them (default: all of the endpoint)', modelNames)
    .option(
      '--price-cents <n>',
      'price for 1000 tokens, in cents; what is registered already keeps its price',
      decimalCents,
    )
    .option('--slots <n>', 'requests served at the same time', wholeNumber(1, SLOTS_MAX), 2)
    .option(
      '--tokenizer <file>',
      "the model's tokenizer.json, by which its tokens are billed from then on; needs one model and a token",
    )
    .addOption(tokenOption())
    .option('--api-key <key>', API_KEY)
    .option('--json', 'one JSON object a line')
    .action(async (options: ConnectOptions) => (await import('./connect.ts')).connectProvider(options));
}

function createDoctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Says in plain words why a provider gets no work, or little, and what to do. Exit code 1: something is wrong.',
    )
    .addOption(credentialsOption('of the provider').makeOptionMandatory())
    .addOption(sessionsOption())
    .requiredOption('--endpoint <url>', ENDPOINT, urlOf('http', 'https'))
    .addOption(tokenOption())
    .option('--api-key <key>', API_KEY)
    .option('--json', 'one JSON object')
    .action(async (options: DoctorOptions) => (await import('./doctor.ts')).examineProvider(options));
}

/** Its options are asked for in its action: they are not those of the commands below it. */
function createServingCommand(): Command {
  return new Command('provider')
    .description(
      'Offers a model of an OpenAI-compatible endpoint (Ollama, llama.cpp, vLLM) on the marketplace.',
    )
    .addOption(credentialsOption('of the provider'))
    .addOption(sessionsOption())
    .option('--server-key <key>', SERVER_KEY)
    .option('--endpoint <url>', ENDPOINT, urlOf('http', 'https'))
    .option('--model <name>', 'the model, as requesters name it')
    .option('--endpoint-model <name>', 'the model, as the endpoint names it (default: the same)')
    .option('--price-cents <n>', 'price for 1000 tokens of any kind, in cents, e.g. 25 or 0.03', decimalCents)
    .option('--prompt-price-cents <n>', 'price for 1000 tokens of prompt', decimalCents)
    .option(
      '--cached-prompt-price-cents <n>',
      'price for 1000 tokens of prompt that the endpoint found in its cache (default: as any prompt)',
      decimalCents,
    )
    .option('--completion-price-cents <n>', 'price for 1000 tokens of answer and reasoning', decimalCents)
    .option(
      '--context <tokens>',
      'prompt and answer together (default: as vLLM, llama.cpp and others say, else 8192)',
      wholeNumber(1),
    )
    .option(
      '--features <names>',
      'what requests may ask for, e.g. chat,tools,images (default: as the endpoint says; chat, tools, structured_output and reasoning where it says nothing)',
      features,
    )
    .option(
      '--fields <names>',
      "further fields of a request's body that the endpoint understands, e.g. logit_bias,chat_template_kwargs",
      names,
    )
    .option(
      '--continues-answers',
      'the endpoint goes on with an answer whose beginning is the last message (Ollama, llama.cpp, vLLM do)',
    )
    .option('--slots <n>', 'requests served at the same time', wholeNumber(1, SLOTS_MAX), 2)
    .option(
      '--first-token-timeout-seconds <n>',
      'how long the endpoint may take to begin, e.g. while it loads the model (default: as the server says)',
      wholeNumber(1, FIRST_TOKEN_TIMEOUT_SECONDS_MAX),
    )
    .option('--api-key <key>', API_KEY)
    .option('--json', 'a line of JSON for each thing, for programs')
    .action(async (options: ProviderOptions, command: Command) => {
      for (const name of ['credentials', 'endpoint', 'model'] as const) {
        if (options[name] !== undefined) continue;
        const flags = command.options.find((option) => option.attributeName() === name)?.flags;
        command.error(`error: required option '${flags}' not specified`);
      }
      const isPriced = options.promptPriceCents !== undefined && options.completionPriceCents !== undefined;
      if (options.priceCents === undefined && !isPriced) {
        throw new InvalidArgumentError(
          'Give --price-cents, or --prompt-price-cents and --completion-price-cents.',
        );
      }
      await (await import('./main.ts')).runProvider(options);
    });
}

/** Providers before 0.7.0 went to /bifrost. */
const sessionsOption = (): Option => {
  const option = serverOption();
  const { parseArg } = option;
  return option.argParser((text) => notBifrost(parseArg?.(text, undefined) ?? text));
};

function notBifrost(url: string): string {
  if (!new URL(url).pathname.endsWith('/bifrost')) return url;
  throw new InvalidArgumentError('Providers speak Ratatoskr: the path is /ratatoskr, not /bifrost.');
}

function modelNames(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.every((name) => name !== '')) return list;
  throw new InvalidArgumentError('Give names with commas between them.');
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.every((name) => /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name))) return list;
  throw new InvalidArgumentError('Give names with commas between them.');
}

function features(text: string): string[] {
  const list = names(text);
  const unknown = list.find((name) => !FEATURES.includes(name));
  if (unknown === undefined) return list;
  throw new InvalidArgumentError(`There is no "${unknown}"; there are ${FEATURES.join(', ')}.`);
}
