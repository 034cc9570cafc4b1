import type { Writable } from 'node:stream';

/** Output that waits for its reader, in bytes; more lines are lost and counted. */
const WAITING_BYTES_MAX = 100_000;
/** What the last lines get for their way when a program ends, in milliseconds. */
const FLUSH_TIMEOUT_MS = 500;

/** Writes lines for whoever reads them, and never waits for them. */
export interface Output {
  line(text: string): void;
  /** False: lines still wait for a reader who has stopped, and would keep the process alive. */
  flush(): Promise<boolean>;
}

/** Output to a stream that doesn't block, as standard output is where it is a pipe. Its reader may stop, or be gone. */
export function createOutput(stream: Writable, flushTimeoutMs = FLUSH_TIMEOUT_MS): Output {
  let lostCount = 0;
  stream.on('error', () => {});
  return {
    line(text) {
      if (stream.destroyed || stream.writableLength > WAITING_BYTES_MAX) {
        lostCount++;
        return;
      }
      if (lostCount > 0) stream.write(`${lostCount} lines were lost: nobody read them\n`);
      lostCount = 0;
      stream.write(`${text}\n`);
    },
    flush: () =>
      new Promise((resolve) => {
        if (stream.destroyed || stream.writableLength === 0) return resolve(true);
        const timer = setTimeout(() => resolve(false), flushTimeoutMs);
        stream.write('', () => {
          clearTimeout(timer);
          resolve(true);
        });
      }),
  };
}

/** Runs a program that writes to standard output, and ends the process where a reader who has stopped would keep it. */
export async function withOutput(run: (line: (text: string) => void) => Promise<void>): Promise<void> {
  const output = createOutput(process.stdout);
  try {
    await run(output.line);
  } finally {
    const isWritten = await output.flush();
    // What the program failed with is said by then: the error is on its way to who prints it.
    if (!isWritten) setImmediate(() => process.exit());
  }
}
