import type { Writable } from 'node:stream';

/** Log lines that wait for their reader, in bytes; more are lost and counted. */
const WAITING_BYTES_MAX = 1_000_000;

/** Takes log lines and never waits for who reads them. */
export interface PipeDestination {
  write(line: string): void;
  /** Resolves when nothing waits any more, at the latest after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/**
 * Lines to a stream that doesn't block, as the process's own streams are where they are pipes. They go out at once while somebody reads; otherwise they wait up to
 * `WAITING_BYTES_MAX`, and `lostLine` makes the line that tells how many were lost once there is room.
 */
export function createPipeDestination(
  stream: Writable,
  lostLine: (linesCount: number) => string,
): PipeDestination {
  let lostCount = 0;
  // The reader is gone: the server goes on without.
  stream.on('error', () => {});
  const tellLost = () => {
    if (lostCount === 0 || stream.destroyed) return;
    const line = lostLine(lostCount);
    lostCount = 0;
    stream.write(line);
  };
  stream.on('drain', tellLost);
  return {
    write(line) {
      if (stream.destroyed || stream.writableLength + line.length > WAITING_BYTES_MAX) lostCount++;
      else {
        tellLost();
        stream.write(line);
      }
    },
    flush: (timeoutMs) =>
      new Promise((resolve) => {
        if (stream.destroyed || stream.writableLength === 0) return resolve();
        setTimeout(resolve, timeoutMs);
        stream.write('', () => resolve());
      }),
  };
}
