import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../device/client/index.ts';
import { installModel, MODEL_CONTEXT_TOKENS, MODEL_LISTENS, MODEL_NAME } from '../../device/demo/model.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { Provider } from '../../device/provider/provider.ts';
import { openClient } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import { createDevice, createWorld, topUp } from '../support/world.ts';

let server: TestServer;
let model: ChildProcess;
let provider: Provider;
let direct: OpenAI;
let sold: OpenAI;

/** The address of its server, once it listens. */
function startModel({ command, args }: Awaited<ReturnType<typeof installModel>>): Promise<string> {
  model = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((listening, failed) => {
    model.once('exit', (code) => failed(new Error(`the model ended with ${code}`)));
    for (const stream of [model.stdout, model.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        const url = MODEL_LISTENS.exec(line)?.[1];
        if (url !== undefined) listening(url);
      });
    }
  });
}

beforeAll(async () => {
  const command = await installModel({
    folder: resolve('build/demo-model'),
    python: process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3',
    say: () => {},
    signal: new AbortController().signal,
  });
  const baseURL = `${await startModel(command)}/v1`;
  server = await startTestServer();
  const world = await createWorld(server);
  await topUp(world, world.alice.userId, 100_000);
  direct = new OpenAI({ baseURL, apiKey: 'none' });
  sold = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: world.alice.token });
  const credentials = await createDevice(server, world.bob.token, world.bob.network.id, 'GPU');
  await new Promise<void>((offered, failed) => {
    provider = new Provider(
      {
        slots: 1,
        firstTokenTimeoutMs: null,
        models: [
          {
            name: MODEL_NAME,
            endpointName: MODEL_NAME,
            prices: { prompt: '1', cachedPrompt: '1', completion: '2' },
            contextTokens: MODEL_CONTEXT_TOKENS,
            continuesAnswers: false,
            features: ['chat'],
          },
        ],
      },
      {
        client: openClient(server, { credentials }),
        endpoint: new Endpoint({ baseUrl: baseURL, apiKey: null }, { fetch, clock: systemClock }),
        clock: systemClock,
        report: ({ kind }) => {
          if (kind === 'offered') offered();
        },
      },
    );
    provider.run().catch(failed);
  });
});
afterAll(async () => {
  await provider?.stop();
  await server?.stop();
  model?.kill();
});

it('a real model says through the market what it says directly, whole and streamed, and is billed', async () => {
  const asked = {
    model: MODEL_NAME,
    messages: [{ role: 'user', content: 'Name three rivers of Europe.' }],
    max_tokens: 60,
    temperature: 0,
    seed: 1,
  } satisfies OpenAI.ChatCompletionCreateParams;
  const whole = await direct.chat.completions.create(asked);
  const text = whole.choices[0]?.message.content;
  expect(text).toMatch(/[a-z]{3}/i);
  const bought = await sold.chat.completions.create(asked);
  expect(bought.choices[0]?.message.content).toBe(text);
  expect((bought.usage as unknown as { cost: { value: string } }).cost.value).not.toBe('0');
  let streamed = '';
  for await (const chunk of await sold.chat.completions.create({ ...asked, stream: true }))
    streamed += chunk.choices[0]?.delta.content ?? '';
  expect(streamed).toBe(text);
});

it('npm run demo -- --model sells it', async () => {
  const { code, stdout, stderr } = await runCommand('demo', {
    arguments: ['--once', '--model'],
    timeoutMs: 180_000,
  });
  expect(code, stdout + stderr).toBe(0);
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { compute: { requests: number } };
  expect(result.compute.requests).toBe(2);
  expect(stdout).toContain(MODEL_NAME);
});
