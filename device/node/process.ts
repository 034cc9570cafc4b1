import { InvalidArgumentError } from 'commander';

/** The exit code of a program that was used wrongly or refused. */
export const EXIT_FAILURE = 1;

/** Aborted at the first SIGINT or SIGTERM. A second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
      controller.abort();
    });
  }
  return controller.signal;
}

/**
 * Runs a program's main function. What it throws becomes one line on stderr, with the name of the program, and an exit
 * code that isn't 0.
 */
export async function runProgram(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT_FAILURE;
  }
}

/** A whole number from `least` up, from a command line. Throws an Error that commander prints. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
    }
    return value;
  };
}

/** Parses an option that is a URL with one of these schemes. Throws InvalidArgumentError. */
export function urlOf(...schemes: readonly string[]): (value: string) => string {
  return (value) => {
    if (URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1))) return value;
    throw new InvalidArgumentError(
      `It must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}.`,
    );
  };
}
