/**
 * The program can't start and only its operator can change that: configuration, permissions, a port in use.
 * The message says what is wrong and what to do about it; `main` prints it alone, without a stack, and exits with 1.
 */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StartError';
  }
}
