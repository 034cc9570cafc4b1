import { connectRatatoskr, systemClock } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { withOutput } from '../node/output.ts';
import { stopSignal } from '../node/process.ts';
import { nodeSessions } from '../node/ratatoskr.ts';
import { socketUrl } from '../node/server-access.ts';
import { describeModel } from './describe-model.ts';
import { Endpoint } from './endpoint.ts';
import { EndpointError } from './endpoint-error.ts';
import { CONTEXT_TOKENS_DEFAULT } from './limits.ts';
import { type OfferedPrices, Provider, type ProviderReport } from './provider.ts';
import type { RequestOutcome } from './serve-request.ts';

/** The options of `provider`. Prices are cents for 1000 tokens, in decimal. */
export interface ProviderOptions {
  readonly credentials: string;
  readonly server?: string;
  readonly json?: boolean;
  /** Base64url. */
  readonly serverKey?: string;
  readonly endpoint: string;
  readonly model: string;
  readonly endpointModel?: string;
  /** Of every kind of token that has no price of its own. */
  readonly priceCents?: string;
  readonly promptPriceCents?: string;
  readonly cachedPromptPriceCents?: string;
  readonly completionPriceCents?: string;
  /** Found at the endpoint where it is not given. */
  readonly context?: number;
  readonly features?: readonly string[];
  readonly fields?: readonly string[];
  readonly continuesAnswers?: boolean;
  readonly slots: number;
  readonly firstTokenTimeoutSeconds?: number;
  readonly apiKey?: string;
}

/**
 * Offers the model until SIGINT or SIGTERM. Throws an Error when nothing answers at the endpoint, when it doesn't let us in, or
 * when the server refuses.
 */
export function runProvider(options: ProviderOptions): Promise<void> {
  return withOutput((line) =>
    run(options, (text) => line(options.json === true ? JSON.stringify({ text }) : text)),
  );
}

async function run(options: ProviderOptions, line: (text: string) => void): Promise<void> {
  const stop = stopSignal();
  const endpointName = options.endpointModel ?? options.model;
  const endpoint = new Endpoint(
    { baseUrl: options.endpoint, apiKey: options.apiKey ?? process.env.PROVIDER_API_KEY ?? null },
    { fetch, clock: systemClock },
  );
  const credentials = readCredentialsFile(options.credentials);
  const models = await checkEndpoint(endpoint, stop);
  if (stop.aborted) return;
  if (models !== null && !models.includes(endpointName)) {
    line(`the endpoint does not list "${endpointName}"; it lists ${models.join(', ') || 'nothing'}`);
  }
  const found = await describeModel(endpointName, (path, init) => endpoint.look(path, init, stop));
  if (stop.aborted) return;
  const features = options.features ?? found.features;
  const contextTokens = options.context ?? found.contextTokens ?? CONTEXT_TOKENS_DEFAULT;
  const { server, serverKey } = options;
  const client = connectRatatoskr(
    { url: socketUrl(server, '/ratatoskr'), credentials, ...(serverKey === undefined ? {} : { serverKey }) },
    nodeSessions(),
  );
  client.on('close', ({ reason, retryInMs }) => {
    if (retryInMs === null) return;
    const hint = reason.includes('404') ? '; the path is /ratatoskr' : '';
    line(`not connected (${reason}${hint}), next try in ${retryInMs} ms`);
  });
  const prices = pricesOf(options);
  const seconds = options.firstTokenTimeoutSeconds;
  const offered = `offered ${options.model} at ${describePrices(prices)}, ${options.slots} slots; ${contextTokens} tokens, ${features.join(', ')}`;
  const provider = new Provider(
    {
      slots: options.slots,
      firstTokenTimeoutMs: seconds === undefined ? null : seconds * 1000,
      models: [
        {
          name: options.model,
          endpointName,
          prices,
          contextTokens,
          continuesAnswers: options.continuesAnswers ?? false,
          features,
          fields: options.fields ?? [],
        },
      ],
    },
    {
      client,
      endpoint,
      clock: systemClock,
      report: (report) => line(describeReport(report, offered, endpoint.address)),
    },
  );
  stop.addEventListener('abort', () => void provider.stop());
  await provider.run();
}

/**
 * The models of an endpoint; null: it doesn't list them, or `stop`. A provider without its endpoint would only collect failures: throws
 * an Error where nothing answers, or it doesn't let us in.
 */
export async function checkEndpoint(
  endpoint: Endpoint,
  stop: AbortSignal,
): Promise<readonly string[] | null> {
  try {
    return await endpoint.check(stop);
  } catch (error) {
    if (stop.aborted) return null;
    const denied = error instanceof EndpointError && error.isDenial ? error : null;
    if (denied !== null) throw new Error(describeDenial(denied, endpoint.address));
    const { message } = error as Error;
    throw new Error(`${message}: is Ollama (or llama.cpp, vLLM) running there?`);
  }
}

/** What each kind of token costs. */
function pricesOf(options: ProviderOptions): OfferedPrices {
  const { priceCents = '', promptPriceCents = priceCents, completionPriceCents = priceCents } = options;
  const { cachedPromptPriceCents = promptPriceCents } = options;
  return {
    prompt: promptPriceCents,
    cachedPrompt: cachedPromptPriceCents,
    completion: completionPriceCents,
  };
}

function describePrices({ prompt, cachedPrompt, completion }: OfferedPrices): string {
  const isOne = prompt === completion && prompt === cachedPrompt;
  const prices = isOne
    ? prompt
    : `${prompt} (prompt), ${cachedPrompt} (cached prompt), ${completion} (completion)`;
  return `${prices} cents per 1000 tokens`;
}

/** A report as a line for people. */
export function describeReport(report: ProviderReport, offered: string, address: string): string {
  switch (report.kind) {
    case 'offered':
      return offered;
    case 'offer_delayed':
      return `the server can't take the offer now (${report.reason}); trying again`;
    case 'dropped':
      return `dropped a message: ${report.reason}`;
    case 'failed':
      return `request ${report.requestId} met a fault of this program: ${detailOf(report.error)}`;
    case 'denied':
      return `${describeDenial(report.error, address)}; nothing is offered until it lets us in`;
    case 'served':
      return `request ${report.requestId}: ${describeOutcome(report.outcome)}`;
  }
}

function describeDenial({ message, isElsewhere }: EndpointError, address: string): string {
  const hint = isElsewhere ? 'is the path right?' : 'is the key right?';
  return `${message} (${address}); ${hint}`;
}

function describeOutcome(outcome: RequestOutcome): string {
  switch (outcome.kind) {
    case 'answered':
      return outcome.finishReason;
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return `failed (${outcome.error.fault}): ${outcome.error.message}`;
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
