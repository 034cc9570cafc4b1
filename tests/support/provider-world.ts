import { connectRatatoskr, type RatatoskrClient } from '../../device/client/index.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { Provider, type ProviderReport } from '../../device/provider/provider.ts';
import {
  ComputeAlive,
  ComputeDelta,
  ComputeFault,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  ProviderRegistration,
  RatatoskrType,
  uuidToBytes,
} from '../../proto/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { madeUpCredentials } from './bifrost-server.ts';
import { FakeClock, turn } from './clock.ts';
import { createDeviceCore } from './core.ts';
import { uuid } from './frames.ts';
import { createSeededRandom } from './random.ts';
import { StandInSessions } from './ratatoskr-server.ts';

const credentials = madeUpCredentials();
const core = createDeviceCore();

/** An endpoint whose answer a test writes while it is being read. */
export class ScriptedEndpoint {
  readonly bodies: Record<string, unknown>[] = [];
  readonly paths: string[] = [];
  readonly signals: (AbortSignal | null | undefined)[] = [];
  readonly redirects: (RequestRedirect | undefined)[] = [];
  /** Answers that were not read to their end. */
  cancelled = 0;
  contentType = 'text/event-stream';
  status = 200;
  /** Headers beside its type. */
  headers: Readonly<Record<string, string>> = {};
  #streams: ReadableStreamDefaultController<Uint8Array>[] = [];

  readonly fetch: typeof fetch = async (url, init) => {
    this.paths.push(new URL(String(url)).pathname);
    this.bodies.push(JSON.parse(String(init?.body)));
    this.signals.push(init?.signal);
    this.redirects.push(init?.redirect);
    const stream = new ReadableStream<Uint8Array>({
      cancel: () => {
        this.cancelled++;
      },
      start: (controller) => {
        this.#streams.push(controller);
        init?.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
      },
    });
    return new Response(stream, {
      status: this.status,
      headers: { 'content-type': this.contentType, ...this.headers },
    });
  };

  write(text: string, index = 0): void {
    this.writeBytes(new TextEncoder().encode(text), index);
  }

  writeBytes(bytes: Uint8Array, index = 0): void {
    this.#streams[index]?.enqueue(bytes);
  }

  end(index = 0): void {
    this.#streams[index]?.close();
  }

  breakOff(index = 0): void {
    this.#streams[index]?.error(new Error('connection reset'));
  }
}

/** An event with text. */
export const delta = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
/** The last event, with what was counted. */
export const usage =
  'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}\n\n';
/** The end of a stream. */
export const DONE = 'data: [DONE]\n\n';

/** A provider with a scripted endpoint, and the server's end of its line. */
export function setUp(slots = 2, listen: (report: ProviderReport) => void = () => {}) {
  const server = new StandInSessions();
  const clock = new FakeClock();
  const scripted = new ScriptedEndpoint();
  const reports: ProviderReport[] = [];
  const client = connectRatatoskr(
    { url: 'ws://server/ratatoskr', credentials },
    {
      core,
      crypto: nodeNoiseCrypto,
      openSocket: server.openSocket,
      clock,
      random: createSeededRandom(1),
    },
  ) as RatatoskrClient;
  const endpoint = new Endpoint(
    { baseUrl: 'http://endpoint/v1/', apiKey: null },
    { fetch: scripted.fetch, clock },
  );
  const model = {
    name: 'public',
    endpointName: 'internal',
    prices: { prompt: '25', cachedPrompt: '2.5', completion: '50.000001' },
    contextTokens: 8_192,
    continuesAnswers: true,
    features: ['chat', 'reasoning', 'n'],
    fields: [],
  };
  const provider = new Provider(
    { models: [model], slots, firstTokenTimeoutMs: null },
    {
      client,
      endpoint,
      clock,
      report: (report) => {
        reports.push(report);
        listen(report);
      },
    },
  );
  return { server, clock, scripted, reports, provider };
}

/** As `setUp`, connected and with its offer made. */
export async function offering(...options: Parameters<typeof setUp>) {
  const world = setUp(...options);
  const run = world.provider.run();
  world.server.connection.open();
  await turn();
  return { ...world, run };
}

/** What `offering` gives. */
export type World = Awaited<ReturnType<typeof offering>>;

/** Sends the provider a request. */
export async function request(
  { server }: World,
  number: number,
  changes: Partial<ConstructorParameters<typeof ComputeRequest>[0]> = {},
): Promise<void> {
  const body = new TextEncoder().encode(
    JSON.stringify({
      model: 'public',
      messages: [{ role: 'user', content: 'hi' }],
      max_completion_tokens: 7,
      seed: 3,
    }),
  );
  const payload = encodePayload(ComputeRequest, {
    requestId: uuidToBytes(uuid(number)),
    model: 'public',
    body,
    bodyBytes: changes.body?.length ?? body.length,
    completionTokensMax: 50,
    firstTokenTimeoutMs: 3_000,
    stallTimeoutMs: 1_000,
    creditBytes: 1_000_000,
    ...changes,
  });
  server.connection.push(RatatoskrType.COMPUTE_REQUEST, payload);
  await turn();
}

/** What was registered, in order: the offer, or null where it was taken back. */
export const registrations = ({ server }: Pick<World, 'server'>) =>
  server.connection
    .all(RatatoskrType.PROVIDER_REGISTRATION)
    .map(({ payload }) => decodePayload(ProviderRegistration, payload).offer ?? null);
/** What was sent of the answer, in order. */
export const deltas = ({ server }: World) =>
  server.connection.all(RatatoskrType.COMPUTE_DELTA).map(({ payload }) => {
    const { index, fields } = decodePayload(ComputeDelta, payload);
    return [index, JSON.parse(new TextDecoder().decode(fields))] as const;
  });
/** The signs of life that were sent. */
export const signsOfLife = ({ server }: World) =>
  server.connection
    .all(RatatoskrType.COMPUTE_ALIVE)
    .map(({ payload }) => decodePayload(ComputeAlive, payload));
/** The ends that were sent. */
export const results = ({ server }: World) =>
  server.connection
    .all(RatatoskrType.COMPUTE_RESULT)
    .map(({ payload }) => decodePayload(ComputeResult, payload));
/** Whose fault they were, by name. */
export const faults = (world: World) =>
  results(world).map(({ failure }) => ComputeFault[failure?.fault ?? 0]);
