import { createBifrostClient, systemClock } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { stopSignal } from '../node/process.ts';
import { openNodeSocket } from '../node/websocket.ts';
import { Endpoint } from './endpoint.ts';
import { Provider, type ProviderReport } from './provider.ts';

/** The options of `provider`. */
export interface ProviderOptions {
  readonly credentials: string;
  readonly server: string;
  readonly endpoint: string;
  readonly model: string;
  readonly endpointModel?: string;
  readonly priceCents: number;
  readonly context: number;
  readonly slots: number;
  readonly apiKey?: string;
}

/** Offers the model until SIGINT or SIGTERM. Throws an Error when nothing answers at the endpoint or the server refuses. */
export async function runProvider(options: ProviderOptions): Promise<void> {
  const stop = stopSignal();
  const endpointName = options.endpointModel ?? options.model;
  const endpoint = new Endpoint(
    { baseUrl: options.endpoint, apiKey: options.apiKey ?? process.env.PROVIDER_API_KEY ?? null },
    { fetch, clock: systemClock },
  );
  const client = createBifrostClient(
    { url: options.server, credentials: readCredentialsFile(options.credentials) },
    { core: loadBuiltDeviceCore(), openSocket: openNodeSocket },
  );
  await probe(endpoint, options.endpoint, endpointName, stop);
  if (stop.aborted) return;
  client.on('close', ({ reason, retryInMs }) => {
    if (retryInMs === null) return;
    const hint = reason.includes('404') ? '; the path is /bifrost' : '';
    console.log(`not connected (${reason || 'no answer'}${hint}), next try in ${retryInMs} ms`);
  });
  client.on('error', ({ error }) => console.log(`the server says ${error.code}: ${error.message}`));
  const provider = new Provider(
    {
      slots: options.slots,
      models: [
        {
          name: options.model,
          endpointName,
          priceCentsPer1000Tokens: options.priceCents,
          contextTokens: options.context,
        },
      ],
    },
    { client, endpoint, clock: systemClock, report: (report) => console.log(describe(report, options)) },
  );
  stop.addEventListener('abort', () => void provider.stop());
  await provider.run();
}

/** A provider without its endpoint would only collect failures. Returns early at `stop`. */
async function probe(endpoint: Endpoint, url: string, model: string, stop: AbortSignal): Promise<void> {
  const models = await endpoint.listModels(stop).catch(() => {
    if (stop.aborted) return null;
    throw new Error(`nothing answers at ${url}: is Ollama (or llama.cpp, vLLM) running there?`);
  });
  if (models !== null && !models.includes(model)) {
    console.log(`the endpoint does not list "${model}"; it lists ${models.join(', ') || 'nothing'}`);
  }
}

function describe(report: ProviderReport, options: ProviderOptions): string {
  switch (report.kind) {
    case 'offered':
      return `offered ${options.model} at ${options.priceCents} cents per 1000 tokens, ${options.slots} slots`;
    case 'offer_delayed':
      return `the server can't take the offer now (${report.reason}); trying again`;
    case 'dropped':
      return `dropped a frame: ${report.reason}`;
    case 'failed':
      return `request ${report.requestId} met a fault of this program: ${detailOf(report.error)}`;
    case 'served':
      return `request ${report.requestId}: ${report.outcome}`;
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
