import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { layout, type Variant } from './layout.ts';

/** What a device on Linux is started with. */
export interface HostDeviceOptions {
  readonly variant: Exclude<Variant, 'rv32'>;
  readonly credentialsFile: string;
  readonly mqttUrl: string;
  /** A folder; what is in it outlasts the process. */
  readonly flash: string;
  /** In base64url. */
  readonly scriptKey?: string;
  readonly releaseKey?: string;
}

/** A device in C on Linux (device/ports/host/host_device.c), as a process. Its simulation is driven by lines: host_control.h. */
export class HostDevice {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  /** The exit code; null for a signal. */
  readonly ended: Promise<number | null>;

  constructor({ variant, credentialsFile, mqttUrl, flash, scriptKey, releaseKey }: HostDeviceOptions) {
    const args = ['--credentials', credentialsFile, '--mqtt', mqttUrl, '--flash', flash];
    args.push('--core', layout.module('device'));
    if (scriptKey !== undefined) args.push('--script-key', scriptKey);
    if (releaseKey !== undefined) args.push('--release-key', releaseKey);
    this.#child = spawn(`${layout.build(variant)}/host-device`, args);
    this.#child.stdin.on('error', () => {
      // It has ended; `ended` says how.
    });
    this.#read(this.#child.stdout);
    this.#read(this.#child.stderr);
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    void this.ended.then(() => this.#changed());
  }

  /** What it has said so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Gives its simulation a line. */
  give(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Resolves with the first line behind number `from` that fits. Rejects when it ends without one. */
  says(pattern: RegExp, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const line = this.#lines.slice(from).find((one) => pattern.test(one));
        const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (line === undefined && !isOver) return;
        this.#watchers.delete(look);
        if (line !== undefined) resolve(line);
        else reject(new Error(`ended without ${pattern}: ${this.#lines.join('\n')}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Ends it; resolves with its exit code. */
  async end(): Promise<number | null> {
    this.give('end');
    return this.ended;
  }

  #read(stream: NodeJS.ReadableStream): void {
    let rest = '';
    stream.on('data', (part: Buffer) => {
      const lines = (rest + part.toString()).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#changed();
    });
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
