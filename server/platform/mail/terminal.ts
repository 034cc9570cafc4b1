import type { Mailer } from './types.ts';

/** Shows mail on the terminal of who runs the server: for a server that only this machine reaches. */
export function createTerminalMailer(print: (text: string) => void): Mailer {
  return {
    send({ to, subject, text }) {
      const lines = text.trimEnd().split('\n');
      print(['', `Mail to ${to}: ${subject}`, ...lines.map((line) => `  ${line}`), ''].join('\n'));
    },
    close() {},
  };
}
