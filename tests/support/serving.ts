import { systemClock } from '../../device/client/index.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { Provider } from '../../device/provider/provider.ts';
import { EndpointStandIn } from './endpoint-stand-in.ts';
import { openClient } from './ratatoskr.ts';
import type { TestServer } from './server.ts';
import type { DeviceCredentials } from './world.ts';

/** A device that sells a model, and the endpoint behind it, which answers as its test says. */
export interface Serving {
  readonly endpoint: EndpointStandIn;
  stop(): Promise<void>;
}

/** Resolves when the offer was taken. Prices are 30, 3 and 120 cents for 1,000 tokens. */
export async function serve(
  server: TestServer,
  credentials: DeviceCredentials,
  model: string,
): Promise<Serving> {
  const endpoint = new EndpointStandIn();
  const baseUrl = await endpoint.listen();
  let offered = () => {};
  const isOffered = new Promise<void>((resolve) => {
    offered = resolve;
  });
  const provider = new Provider(
    {
      slots: 2,
      firstTokenTimeoutMs: null,
      models: [
        {
          name: model,
          endpointName: 'm',
          prices: { prompt: '30', cachedPrompt: '3', completion: '120' },
          contextTokens: 20_000,
          continuesAnswers: false,
          features: ['chat', 'tools'],
        },
      ],
    },
    {
      client: openClient(server, { credentials }),
      endpoint: new Endpoint({ baseUrl, apiKey: null }, { fetch, clock: systemClock }),
      clock: systemClock,
      report: ({ kind }) => {
        if (kind === 'offered') offered();
      },
    },
  );
  const run = provider.run();
  await Promise.race([isOffered, run]);
  return {
    endpoint,
    async stop() {
      endpoint.close();
      await provider.stop();
      await run;
    },
  };
}
