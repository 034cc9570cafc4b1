import { BifrostError } from './errors.ts';
import type { DeviceCommandResult } from './messages.ts';
import type { Clock } from './ports.ts';

interface PendingCommand {
  readonly deviceId: string;
  /** It was sealed: so must its answer be, or the server could make one up. */
  isSealed: boolean;
  readonly settle: (answer: DeviceCommandResult | BifrostError) => void;
}

/** Commands whose result is still to come, by the id of their frame. */
export class PendingCommands {
  readonly #clock: Clock;
  readonly #pending = new Map<string, PendingCommand>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The result of the command, or a rejection: `timed_out`, `aborted`, or what `settle` is given. */
  wait(
    id: string,
    deviceId: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<DeviceCommandResult> {
    return new Promise((resolve, reject) => {
      const abort = () =>
        this.settle(id, new BifrostError('aborted', 'The command was given up by its caller.'));
      const cancelTimeout = this.#clock.after(timeoutMs, () =>
        this.settle(id, new BifrostError('timed_out', `No result within ${timeoutMs} ms.`)),
      );
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(id, {
        deviceId,
        isSealed: false,
        settle: (answer) => {
          cancelTimeout();
          signal?.removeEventListener('abort', abort);
          if (answer instanceof BifrostError) reject(answer);
          else resolve(answer);
        },
      });
      if (signal?.aborted) abort();
    });
  }

  /** The command goes out sealed. */
  sealed(id: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.isSealed = true;
  }

  /** Whether the command with this id was given to that device: nobody else may answer it, and what was sealed not in clear. */
  isFor(id: string, deviceId: string, isSealed: boolean): boolean {
    const pending = this.#pending.get(id);
    return pending?.deviceId === deviceId && (isSealed || !pending.isSealed);
  }

  /** Answers who waits for this command. False if nobody does. */
  settle(id: string, answer: DeviceCommandResult | BifrostError): boolean {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle(answer);
    return pending !== undefined;
  }

  /** Nobody will answer any more. */
  settleAll(error: BifrostError): void {
    for (const id of [...this.#pending.keys()]) this.settle(id, error);
  }
}
