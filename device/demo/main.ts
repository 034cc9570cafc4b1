import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FAILURE } from '../node/process.ts';
import { Guard } from './guard.ts';
import { type CommandLine, installModel } from './model.ts';
import { Programs } from './programs.ts';
import { Progress } from './progress.ts';
import type { RunningServer } from './server-program.ts';
import { prepareRun, tellStory } from './story.ts';

/** This project's program, into which this file is built. */
const programFile = fileURLToPath(new URL('./yggdrasil.js', import.meta.url));

/** How the story is told. */
export interface DemoOptions {
  /** True: it ends after the story, with the figures as the last line; otherwise everything goes on running until Ctrl-C. */
  readonly once: boolean;
  /** True: a small language model is installed and sold. */
  readonly model: boolean;
}

/** Tells the story and ends the process. */
export async function runDemo({ once, model }: DemoOptions): Promise<void> {
  const programs = new Programs(programFile, new Guard(programFile));
  const stopped = stopAtSignal();
  const run = prepareRun(once);
  let exitCode = 0;
  let lastLine: string | null = null;
  let isTold = false;
  try {
    const progress = new Progress(console.log);
    const modelServer = model ? await install(progress, stopped) : null;
    const { server, figures } = await Promise.race([
      tellStory(run, programs, progress, modelServer),
      stopped,
    ]);
    isTold = true;
    if (once) lastLine = JSON.stringify(figures);
    else {
      console.log(whereToLook(server));
      await Promise.race([stopped, programs.failure]);
    }
  } catch (error) {
    if (error instanceof StoppedError) {
      console.log('\nStopping.');
      // After the story Ctrl-C is how the demo ends.
      exitCode = isTold ? 0 : error.exitCode;
    } else {
      console.error(`\ndemo: ${(error as Error).message}`);
      exitCode = EXIT_FAILURE;
    }
  }
  await programs.stop();
  run.cleanUp();
  if (lastLine !== null) console.log(lastLine);
  process.exit(exitCode);
}

/** Beside the program, so that it is installed once for this checkout. */
const modelFolder = fileURLToPath(new URL('./demo-model', import.meta.url));

async function install(progress: Progress, stopped: Promise<never>): Promise<CommandLine> {
  progress.chapter('The model');
  progress.step('SmolLM2 and llama.cpp are installed, where they are not yet. That takes some minutes.');
  const ended = new AbortController();
  stopped.catch(() => ended.abort());
  const options = {
    folder: modelFolder,
    python: process.env.YGGDRASIL_DEMO_PYTHON || 'python3',
    say: (line: string) => progress.detail(line),
    signal: ended.signal,
  };
  const installed = installModel(options);
  return await Promise.race([stopped, installed]).finally(() => installed.catch(() => {}));
}

/** The user ended the demo. */
class StoppedError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('stopped');
    this.exitCode = exitCode;
  }
}

/** Rejects at the first SIGINT, SIGTERM or SIGHUP; more of them change nothing: everything is being stopped. */
function stopAtSignal(): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
      process.on(signal, () => reject(new StoppedError(128 + number)));
    }
  });
  stopped.catch(() => {});
  return stopped;
}

function whereToLook({ httpUrl, bifrostUrl, mqttUrl, dataDirectory }: RunningServer): string {
  return `
Everything goes on running. Where to look:

  API, with a page to try it   ${httpUrl}/docs
  OpenAI-compatible endpoint   ${httpUrl}/v1
  Health, metrics              ${httpUrl}/readyz   ${httpUrl}/metrics
  Bifrost (WebSocket)          ${bifrostUrl}
  MQTT 3.1.1                   ${mqttUrl}
  Credentials of the story     ${join(dataDirectory, 'demo.json')}   (tokens: keep it to yourself)

Ctrl-C stops everything.`;
}
