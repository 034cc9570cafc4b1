import { InvalidArgumentError } from 'commander';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The exit code of a command that failed. */
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

/** Parses an option that is a whole number from `least` to `most`. Throws InvalidArgumentError. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** Parses an option that is an amount of cents, whole or with up to six decimals, as text. Throws InvalidArgumentError. */
export function decimalCents(text: string): string {
  if (/^(0|[1-9]\d*)(\.\d{1,6})?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be cents: whole, or decimal with up to six decimals.');
}

/** An id of the command line, in lower case. Throws InvalidArgumentError. */
export function idOf(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It must be an id.');
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
