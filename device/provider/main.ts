import { Command } from 'commander';
import { createBifrostClient, systemClock } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { runProgram, stopSignal, urlOf, wholeNumber } from '../node/process.ts';
import { openNodeSocket } from '../node/websocket.ts';
import { Endpoint } from './endpoint.ts';
import { Provider, type ProviderReport } from './provider.ts';

const SLOTS_MAX = 1000;

const program = new Command('provider')
  .description(
    'Offers a model of an OpenAI-compatible endpoint (Ollama, llama.cpp, vLLM) on the marketplace.',
  )
  .requiredOption('--credentials <file>', 'the JSON that POST /api/v1/devices answered under "credentials"')
  .requiredOption('--server <url>', 'e.g. ws://127.0.0.1:8080/bifrost', urlOf('ws', 'wss'))
  .requiredOption('--endpoint <url>', 'e.g. http://127.0.0.1:11434/v1', urlOf('http', 'https'))
  .requiredOption('--model <name>', 'the model, as requesters name it')
  .option('--endpoint-model <name>', 'the model, as the endpoint names it (default: the same)')
  .requiredOption('--price-cents <n>', 'price for 1000 tokens, in whole cents', wholeNumber(0))
  .option('--context <tokens>', 'prompt and answer together', wholeNumber(1), 8192)
  .option('--slots <n>', 'requests served at the same time', wholeNumber(1), 2)
  .option('--api-key <key>', 'sent to the endpoint; better in the environment, as PROVIDER_API_KEY');

interface Options {
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

await runProgram('provider', async () => {
  const options = program.parse().opts<Options>();
  if (options.slots > SLOTS_MAX) throw new Error(`--slots is at most ${SLOTS_MAX}`);
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
});

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

function describe(report: ProviderReport, options: Options): string {
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
