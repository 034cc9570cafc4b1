import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** A mail that came in. */
export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly text: string;
}

/** A mail server that keeps what it gets. */
export interface MailServer {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** From now on it refuses everything. */
  refuse(): void;
  /** The next mail to this address, which may have come already; each is given once. */
  next(address: string): Promise<ReceivedMail>;
  close(): Promise<void>;
}

/** Starts one on a free port of this machine; it lets `postman` in with the password `secret`. */
export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const given = new Set<ReceivedMail>();
  let waiting: (() => void)[] = [];
  let refusing = false;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) =>
      username === 'postman' && password === 'secret'
        ? done(null, { user: username })
        : done(new Error('who are you?')),
    onMailFrom: (_address, _session, done) => done(refusing ? new Error('not today') : null),
    onData(stream, session, done) {
      simpleParser(stream).then(({ text, from }) => {
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address).join(),
          from: from?.text ?? '',
          text: text ?? '',
        });
        for (const wake of waiting) wake();
        waiting = [];
        done();
      }, done);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://postman:secret@127.0.0.1:${port}`,
    mails,
    refuse() {
      refusing = true;
    },
    async next(address) {
      for (;;) {
        const mail = mails.find((mail) => mail.to === address && !given.has(mail));
        if (mail !== undefined) {
          given.add(mail);
          return mail;
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
