import { createTransport } from 'nodemailer';
import type { Logger } from '../../kernel/logger.ts';
import type { Mailer } from './types.ts';

/** Mails that may wait for the mail server; more are lost, with a line in the log. */
const WAITING_MAX = 1_000;
const CONNECTIONS_MAX = 2;
/** How long the mail server may take to connect, to greet, and between two lines, in milliseconds. */
const TIMEOUT_MS = 20_000;

/**
 * Sends mail by a mail server. What it refuses or what it isn't there for is lost and stands in the log, without address and
 * text: who waits for a code asks for another.
 */
export function createSmtpMailer(
  { url, from }: { readonly url: string; readonly from: string },
  { logger }: { readonly logger: Logger },
): Mailer {
  const operation = 'mail.send';
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  let waiting = 0;
  return {
    send(mail) {
      if (waiting >= WAITING_MAX) {
        logger.error({ operation, waiting }, 'a mail was not sent: too many are waiting');
        return;
      }
      waiting++;
      transport
        .sendMail({ ...mail, from })
        .catch((error: { code?: string; responseCode?: number }) => {
          const { code, responseCode } = error;
          logger.error({ operation, code, responseCode }, 'a mail was not sent');
        })
        .finally(() => {
          waiting--;
        });
    },
    close: () => transport.close(),
  };
}
