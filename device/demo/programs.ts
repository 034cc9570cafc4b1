import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Guard, signalProcess } from './guard.ts';
import { LAST_WORDS_MS, OUTPUT_LINES_MAX, STEP_TIMEOUT_MS, STOP_TIMEOUT_MS } from './limits.ts';
import type { CommandLine } from './model.ts';

/** A program that the demo started, and the lines it wrote. */
export class Program {
  readonly name: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<void>;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<(line: string) => void>();
  #stopping = false;

  constructor(name: string, child: ChildProcessWithoutNullStreams, unexpectedEnd: (error: Error) => void) {
    this.name = name;
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#wrote(line));
    }
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        unexpectedEnd(new Error(`${name} could not be started: ${error.message}`));
        resolve();
      });
      child.once('exit', (code, signal) => {
        const ended = () => {
          clearTimeout(timer);
          if (!this.#stopping)
            unexpectedEnd(new Error(`${name} ended (${signal ?? `exit code ${code}`})${this.#tail()}`));
          resolve();
        };
        // Its last words are still on their way; what it started itself may keep the pipe open for longer.
        const timer = setTimeout(ended, LAST_WORDS_MS);
        child.once('close', ended);
      });
    });
  }

  /** Calls `watcher` for every line, those written before included. */
  onLine(watcher: (line: string) => void): void {
    for (const line of this.#lines) watcher(line);
    this.#watchers.add(watcher);
  }

  /** The first group of the first line that fits. Rejects when none came in time. */
  async waitForLine(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`${this.name} did not get ready in ${STEP_TIMEOUT_MS / 1000} s${this.#tail()}`)),
        STEP_TIMEOUT_MS,
      );
      this.onLine((line) => {
        const match = pattern.exec(line);
        if (match === null) return;
        clearTimeout(timer);
        resolve(match[1] ?? line);
      });
    });
  }

  /** Asks it to end, waits, and kills it with all it started if it doesn't. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const { pid } = this.#process;
    if (pid === undefined) return;
    if (this.#process.exitCode === null) signalProcess(pid, 'SIGTERM');
    const timer = setTimeout(() => signalProcess(-pid, 'SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #wrote(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > OUTPUT_LINES_MAX) this.#lines.shift();
    for (const watcher of this.#watchers) watcher(line);
  }

  #tail(): string {
    return this.#lines.length === 0 ? '' : `. Its last words:\n  ${this.#lines.join('\n  ')}`;
  }
}

/** All programs of the demo. They end with it, whatever happens. */
export class Programs {
  readonly #file: string;
  readonly #guard: Guard;
  readonly #running: Program[] = [];
  #fail: (error: Error) => void = () => {};
  /** Rejects when a program ends that shouldn't. */
  readonly failure: Promise<never>;

  /** `file` is this project's built program. */
  constructor(file: string, guard: Guard) {
    this.#file = file;
    this.#guard = guard;
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever cares races against it.
    this.failure.catch(() => {});
  }

  /**
   * Starts a command of this project's program, `args[0]`. It leads a process group of its own, so that Ctrl-C reaches only the demo,
   * which ends the programs in order.
   */
  start(name: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Program {
    return this.startOther(name, { command: process.execPath, args: [this.#file, ...args] }, environment);
  }

  /** As `start`, for a program that isn't this project's. */
  startOther(
    name: string,
    { command, args }: CommandLine,
    environment: NodeJS.ProcessEnv = process.env,
  ): Program {
    const child = spawn(command, args, {
      detached: true,
      stdio: 'pipe',
      env: environment,
    });
    child.stdin.end();
    const { pid } = child;
    if (pid !== undefined) {
      this.#guard.watch(pid);
      child.once('exit', () => this.#guard.forget(pid));
    }
    const program = new Program(name, child, this.#fail);
    this.#running.push(program);
    return program;
  }

  /** Ends all, the one started last first: devices before their server. */
  async stop(): Promise<void> {
    for (const program of this.#running.splice(0).reverse()) await program.stop();
    this.#guard.release();
  }
}
