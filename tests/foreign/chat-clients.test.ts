import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../device/client/index.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { FEATURES } from '../../device/provider/features.ts';
import { Provider } from '../../device/provider/provider.ts';
import { EndpointStandIn } from '../support/endpoint-stand-in.ts';
import { openClient } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, topUp } from '../support/world.ts';
import { speaksToClients } from './chat-clients/model.ts';

/** Of PyPI, those together that agree about what they build upon. */
const PYTHON_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  sdks: ['openai==3.3.0', 'anthropic==2.14.0', 'litellm==1.110.2', 'instructor==1.17.0'],
  langchain: ['langchain==1.5.2', 'langchain-openai==1.7.4', 'langchain-anthropic==1.7.10'],
  others: ['llm==0.36', 'pydantic-ai-slim[openai,anthropic]==2.68.0', 'aisuite==0.2.0'],
  aider: ['aider-chat==0.86.2'],
};
/** Of npm, the last that take Node 20. */
const NODE_PACKAGES = [
  'ai@5.0.277',
  '@ai-sdk/openai@2.0.131',
  '@ai-sdk/openai-compatible@1.0.61',
  '@langchain/openai@1.5.8',
  '@langchain/anthropic@1.5.11',
  '@langchain/core@1.4.0',
];
const PYTHON = process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3.11';
const FOLDER = resolve('build/foreign/chat-clients');
const run = promisify(execFile);
const OUTPUT = {
  maxBuffer: 100_000_000,
  // It asks GitHub for prices at each start otherwise.
  env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
};

let server: TestServer;
let endpoint: EndpointStandIn;
let provider: Provider;
let key: string;

/** Installs the packages where they aren't, by uv: pip looks for an hour for versions that go together. */
async function install(): Promise<void> {
  const tools = join(FOLDER, 'tools');
  if (!existsSync(join(tools, 'bin', 'uv'))) {
    await mkdir(FOLDER, { recursive: true });
    await run(PYTHON, ['-m', 'venv', tools]);
    await run(join(tools, 'bin', 'pip'), ['install', '--quiet', 'uv'], OUTPUT);
  }
  const uv = join(tools, 'bin', 'uv');
  for (const [name, packages] of Object.entries(PYTHON_PACKAGES)) {
    const python = pythonOf(name);
    if (!existsSync(python)) await run(uv, ['venv', '--quiet', '--python', PYTHON, join(FOLDER, name)]);
    await run(uv, ['pip', 'install', '--quiet', '--python', python, ...packages], OUTPUT);
  }
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', join(FOLDER, 'node')];
  await mkdir(join(FOLDER, 'node'), { recursive: true });
  await writeFile(join(FOLDER, 'node', 'package.json'), '{ "private": true }');
  await run('npm', [...npm, ...NODE_PACKAGES], OUTPUT);
  // Text here, since the packages that it imports are there alone.
  await copyFile('tests/foreign/chat-clients/clients.mjs.txt', join(FOLDER, 'node', 'clients.mjs'));
}

const pythonOf = (name: string) => join(FOLDER, name, 'bin', 'python');
const lastLine = ({ stdout }: { stdout: string }) =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown;
const inPython = async (venv: string, client: string) =>
  lastLine(
    await run(pythonOf(venv), ['tests/foreign/chat-clients/clients.py', client, server.httpUrl, key], OUTPUT),
  );
const inNode = async (client: string) =>
  lastLine(
    await run(process.execPath, [join(FOLDER, 'node', 'clients.mjs'), client, server.httpUrl, key], OUTPUT),
  );

beforeAll(async () => {
  await install();
  server = await startTestServer();
  const world = await createWorld(server);
  await topUp(world, world.alice.userId, 100_000);
  key = world.alice.token;
  endpoint = new EndpointStandIn();
  endpoint.answering = speaksToClients;
  const baseUrl = await endpoint.listen();
  const credentials = await createDevice(server, world.bob.token, world.bob.network.id, 'GPU');
  await new Promise<void>((offered, failed) => {
    provider = new Provider(
      {
        slots: 16,
        firstTokenTimeoutMs: null,
        models: [
          {
            name: 'm',
            endpointName: 'm',
            prices: { prompt: '0.03', cachedPrompt: '0.003', completion: '0.12' },
            contextTokens: 2_000_000,
            continuesAnswers: false,
            features: FEATURES,
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
    provider.run().catch(failed);
  });
});
afterAll(async () => {
  await provider?.stop();
  endpoint?.close();
  await server?.stop();
});

const TEXT = 'Hello, world.';
const RAINS = 'It rains.';
const PERSON = { name: 'Ada', age: 36 };
const CITY = { city: 'Ada' };

describe('of PyPI', () => {
  it('openai chats, streams, calls tools, parses, goes on from a response, and hears of a stream that breaks off', async () => {
    expect(await inPython('sdks', 'openai')).toEqual({
      text: TEXT,
      stream: TEXT,
      tool: JSON.stringify(CITY),
      after: RAINS,
      parsed: PERSON,
      response: TEXT,
      listed: ['message', 'message', 'message'],
      broken: expect.stringMatching(/^provider_/),
      refused: 'previous_response_not_found',
    });
  });

  it('anthropic chats, streams, calls tools, counts', async () => {
    expect(await inPython('sdks', 'anthropic')).toEqual({
      text: TEXT,
      stream: TEXT,
      tool: CITY,
      after: RAINS,
      counted: true,
    });
  });

  it('litellm chats, streams, calls tools with its own history', async () => {
    const tool = JSON.stringify(CITY);
    expect(await inPython('sdks', 'litellm')).toEqual({ text: TEXT, stream: TEXT, tool, after: RAINS });
  });

  it('instructor parses in its default mode', async () => {
    expect(await inPython('sdks', 'instructor')).toEqual({ parsed: PERSON });
  });

  it('langchain chats, streams, parses, runs an agent, by every API', async () => {
    expect(await inPython('langchain', 'langchain')).toEqual({
      text: TEXT,
      stream: TEXT,
      parsed: PERSON,
      after: RAINS,
      response: TEXT,
      anthropic: TEXT,
      called: [CITY],
    });
  });

  it('pydantic-ai chats, streams, parses, calls tools, by every API', async () => {
    expect(await inPython('others', 'pydantic-ai')).toEqual({
      text: TEXT,
      stream: TEXT,
      parsed: PERSON,
      after: RAINS,
      response: TEXT,
      anthropic: TEXT,
    });
  });

  it('llm chats, streams, parses, calls tools', async () => {
    expect(await inPython('others', 'llm')).toEqual({ text: TEXT, stream: TEXT, parsed: CITY, after: RAINS });
  });

  it('aisuite chats', async () => {
    expect(await inPython('others', 'aisuite')).toEqual({ text: TEXT });
  });

  it('aider answers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'yggdrasil-aider-'));
    const options = [
      '--model',
      'openai/m',
      '--no-git',
      '--yes-always',
      '--no-check-update',
      '--no-analytics',
    ];
    const env = {
      ...process.env,
      OPENAI_API_BASE: `${server.httpUrl}/v1`,
      OPENAI_API_KEY: key,
      HOME: folder,
    };
    const aider = join(FOLDER, 'aider', 'bin', 'aider');
    const { stdout } = await run(aider, [...options, '--no-show-model-warnings', '--message', 'Hello?'], {
      ...OUTPUT,
      env,
      cwd: folder,
    });
    await rm(folder, { recursive: true, force: true });
    expect(stdout).toContain(TEXT);
  });
});

describe('of npm', () => {
  it.each(['ai-sdk-openai', 'ai-sdk-openai-chat', 'ai-sdk-openai-compatible'])(
    'the Vercel AI SDK by %s chats, streams, tells of a stream that breaks off, runs a tool, parses',
    async (client) => {
      expect(await inNode(client)).toEqual({
        text: TEXT,
        stream: TEXT,
        broken: true,
        after: RAINS,
        steps: 2,
        parsed: CITY,
      });
    },
  );

  it('langchain chats, streams, calls tools, parses, by both APIs', async () => {
    expect(await inNode('langchain')).toEqual({
      text: TEXT,
      stream: TEXT,
      called: [CITY],
      parsed: CITY,
      anthropic: TEXT,
    });
  });
});
