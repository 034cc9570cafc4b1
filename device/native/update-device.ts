import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Variant } from './layout.ts';
import { layout } from './layout.ts';

/** What goes in and comes out of update_runner.c; the numbers are its own. */
const In = { START: 1, CONNECTED: 2, OFFER: 3, PART: 4, REFUSED: 5, SETTLED: 6, TICK: 7 } as const;
const Out = { DONE: 0, REPORT: 1, OUTCOME: 2, ASK: 3, RESTART: 4, RUNS: 5 } as const;
const HEAD_BYTES = 5;

/** What the device says. */
export interface UpdateEvents {
  /** An UPDATE_REPORT; of an outcome the device is told when the server has it. */
  report(payload: Uint8Array, isOutcome: boolean): void;
  /** An UPDATE_REQUEST. */
  ask(payload: Uint8Array): void;
  restart(): void;
  /** `<name> <version>`; empty: what it came with. */
  runs(firmware: string): void;
}

/** A device with updates in C, as a process; its flash is a folder. */
export class NativeUpdateDevice {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: UpdateEvents;
  #waiting: Buffer = Buffer.alloc(0);
  readonly ended: Promise<number | null>;

  constructor(
    options: {
      readonly variant: Variant;
      readonly flash: string;
      readonly slotBytes: number;
      readonly keyFile: string;
      readonly target: string;
    },
    events: UpdateEvents,
  ) {
    const { variant, flash, slotBytes, keyFile, target } = options;
    this.#events = events;
    this.#child = spawn(`${layout.build(variant)}/update-runner`, [
      flash,
      String(slotBytes),
      keyFile,
      target,
    ]);
    this.#child.stdout.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#child.stderr.pipe(process.stderr);
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** Starts as after a loss of power; `runs` says what. */
  start(): void {
    this.#send(In.START, new Uint8Array(4));
  }

  connected(isConnected: boolean): void {
    this.#send(In.CONNECTED, Uint8Array.of(Number(isConnected)));
  }

  offered(payload: Uint8Array): void {
    this.#send(In.OFFER, payload);
  }

  received(payload: Uint8Array): void {
    this.#send(In.PART, payload);
  }

  refused(code: number): void {
    this.#send(In.REFUSED, u32(code));
  }

  settled(isOutcome: boolean): void {
    this.#send(In.SETTLED, Uint8Array.of(Number(isOutcome)));
  }

  tick(nowMs: number): void {
    this.#send(In.TICK, u32(nowMs));
  }

  /** Ends the process. */
  close(): void {
    this.#child.stdin.end();
  }

  #send(kind: number, payload: Uint8Array): void {
    this.#child.stdin.write(Buffer.concat([Uint8Array.of(kind), u32(payload.length), payload]));
  }

  #read(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    while (this.#waiting.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#waiting.readUInt32LE(1);
      if (this.#waiting.length < end) return;
      const payload = this.#waiting.subarray(HEAD_BYTES, end);
      this.#tell(this.#waiting[0] ?? Out.DONE, payload);
      this.#waiting = this.#waiting.subarray(end);
    }
  }

  #tell(kind: number, payload: Buffer): void {
    if (kind === Out.REPORT || kind === Out.OUTCOME) this.#events.report(payload, kind === Out.OUTCOME);
    else if (kind === Out.ASK) this.#events.ask(payload);
    else if (kind === Out.RESTART) this.#events.restart();
    else if (kind === Out.RUNS) this.#events.runs(payload.toString());
  }
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
