import { connectRatatoskr, systemClock } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { withOutput } from '../node/output.ts';
import { readPackedFile } from '../node/packed-file.ts';
import { stopSignal } from '../node/process.ts';
import { nodeSessions } from '../node/ratatoskr.ts';
import { findAccess, socketUrl } from '../node/server-access.ts';
import { describeModel } from './describe-model.ts';
import { registrationIn } from './doctor.ts';
import { Earnings } from './earnings.ts';
import { Endpoint } from './endpoint.ts';
import { CONTEXT_TOKENS_DEFAULT } from './limits.ts';
import { checkEndpoint, describeReport } from './main.ts';
import { type OfferedModel, Provider } from './provider.ts';
import { RestApi } from './rest-api.ts';

/** The options of `provider connect`. The price is cents for 1000 tokens, in decimal. */
export interface ConnectOptions {
  readonly credentials: string;
  readonly server?: string;
  readonly serverKey?: string;
  readonly endpoint: string;
  /** Those of the endpoint's that are sold; without it all. */
  readonly models?: readonly string[];
  readonly priceCents?: string;
  readonly slots: number;
  /** A file: the tokenizer.json of the one model that is sold. */
  readonly tokenizer?: string;
  /** Of the device's owner: with it the device is registered, and what it earns is shown. */
  readonly token?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/**
 * Finds the models of an endpoint, registers the device with them, serves until SIGINT or SIGTERM, and says what it earns. Throws an
 * Error where the endpoint has no model, nothing says a price, or the server refuses.
 */
export function connectProvider(options: ConnectOptions): Promise<void> {
  return withOutput((line) => run(options, line));
}

async function run(options: ConnectOptions, line: (text: string) => void): Promise<void> {
  const stop = stopSignal();
  const tell = (event: string, text: string, fields: object = {}) =>
    line(options.json ? JSON.stringify({ event, text, ...fields }) : text);
  const endpoint = new Endpoint(
    { baseUrl: options.endpoint, apiKey: options.apiKey ?? process.env.PROVIDER_API_KEY ?? null },
    { fetch, clock: systemClock },
  );
  const credentials = readCredentialsFile(options.credentials);
  const { serverKey, slots } = options;
  const server = socketUrl(options.server, '/ratatoskr');
  const names = modelsOf(await checkEndpoint(endpoint, stop), options.models, endpoint.address);
  tell('models', `${endpoint.address} has ${names.join(', ')}`, { models: names });
  const { token } = findAccess(options);
  const api = token === null ? null : new RestApi(server, token, { fetch });
  const priceCents = await register(api, credentials.deviceId, names, options, tell);
  if (options.tokenizer !== undefined)
    await bringTokenizer(api, credentials.deviceId, names, options.tokenizer, tell);
  const models = await Promise.all(names.map((name) => describeOffer(name, priceCents, endpoint, stop)));
  if (stop.aborted) return;
  const client = connectRatatoskr(
    { url: server, credentials, ...(serverKey === undefined ? {} : { serverKey }) },
    nodeSessions(),
  );
  client.on('close', ({ reason, retryInMs }) => {
    if (retryInMs !== null) tell('disconnected', `not connected (${reason}), next try in ${retryInMs} ms`);
  });
  const earnings = api === null ? null : new Earnings(api, credentials.deviceId, systemClock);
  const offered = `offered ${names.join(', ')}, ${slots} slots`;
  const provider = new Provider(
    { slots, firstTokenTimeoutMs: null, models },
    {
      client,
      endpoint,
      clock: systemClock,
      report: (report) => {
        tell(report.kind, describeReport(report, offered, endpoint.address));
        if (report.kind === 'served') earnings?.look((text, sums) => tell('earned', text, sums));
      },
    },
  );
  stop.addEventListener('abort', () => {
    earnings?.stop();
    void provider.stop();
  });
  await provider.run();
}

/** Throws an Error where nothing is left to sell. */
function modelsOf(
  found: readonly string[] | null,
  wanted: readonly string[] | undefined,
  address: string,
): readonly string[] {
  if (found === null && wanted === undefined)
    throw new Error(`${address} does not list its models: name them with --models`);
  const missing = (wanted ?? []).filter((name) => found !== null && !found.includes(name));
  if (missing.length > 0)
    throw new Error(`${address} has no ${missing.join(', ')}; it has ${found?.join(', ')}`);
  const names = wanted ?? found ?? [];
  if (names.length === 0) throw new Error(`${address} has no model: load one, e.g. with "ollama pull"`);
  return names;
}

/**
 * Registers the device where nobody has yet, and returns the price that its program announces. What is registered already is left as it
 * is: it binds.
 */
async function register(
  api: RestApi | null,
  deviceId: string,
  names: readonly string[],
  { priceCents, slots }: ConnectOptions,
  tell: (event: string, text: string) => void,
): Promise<string> {
  if (api === null) {
    tell('unregistered', 'no token of the owner: the device announces itself, and earnings are not shown');
    return requirePrice(priceCents);
  }
  const known = await api.ask('GET', `marketplace/providers/${deviceId}`);
  if (known.status !== 200 && known.status !== 404) throw new Error(`the server refuses: ${known.refusal}`);
  if (registrationIn(known.body)?.origin === 'owner') {
    tell(
      'registered',
      'the device is registered already: what it sells, and for how much, its registration says',
    );
    return priceCents ?? '0';
  }
  const prices = requirePrice(priceCents);
  const models = names.map((name) => ({ name, prices }));
  const made = await api.ask('POST', 'marketplace/providers/register', { deviceId, models, slots });
  if (made.refusal !== null) throw new Error(`the server refuses: ${made.refusal}`);
  tell('registered', `registered at ${prices} cents per 1000 tokens`);
  return prices;
}

/** Brings the tokenizer.json of the one model that is sold, and says whether it is the one that counts. */
async function bringTokenizer(
  api: RestApi | null,
  deviceId: string,
  [model, ...others]: readonly string[],
  file: string,
  tell: (event: string, text: string, fields?: object) => void,
): Promise<void> {
  if (api === null) throw new Error('--tokenizer needs a token of the owner');
  if (model === undefined || others.length > 0)
    throw new Error('a tokenizer is that of one model: name it with --models');
  const path = `marketplace/providers/${deviceId}/tokenizer?model=${encodeURIComponent(model)}`;
  const { body, refusal } = await api.bring(path, readPackedFile(file));
  if (refusal !== null) throw new Error(`the server refuses the tokenizer: ${refusal}`);
  const { hash, isInUse } = body as { readonly hash: string; readonly isInUse: boolean };
  const said = isInUse
    ? `tokens of ${model} are counted by this tokenizer`
    : `another tokenizer counts for ${model}: others who sell it have brought a different file`;
  tell('tokenizer', said, { model, hash, isInUse });
}

function requirePrice(priceCents: string | undefined): string {
  if (priceCents === undefined) throw new Error('nothing says a price: give --price-cents');
  return priceCents;
}

async function describeOffer(
  name: string,
  price: string,
  endpoint: Endpoint,
  stop: AbortSignal,
): Promise<OfferedModel> {
  const { features, contextTokens } = await describeModel(name, (path, init) =>
    endpoint.look(path, init, stop),
  );
  return {
    name,
    endpointName: name,
    prices: { prompt: price, cachedPrompt: price, completion: price },
    contextTokens: contextTokens ?? CONTEXT_TOKENS_DEFAULT,
    continuesAnswers: false,
    features,
    fields: [],
  };
}
