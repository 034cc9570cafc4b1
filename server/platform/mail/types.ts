/** One mail in plain text. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends mail without being waited for. */
export interface Mailer {
  send(mail: Mail): void;
  /** Gives up what is waiting. */
  close(): void;
}
