/** A value of the server's configuration. */
export interface Setting {
  readonly variable: string;
  /** Null: it is not set, or it is secret. */
  readonly value: string | null;
  /** False: nothing else than the default is in force. */
  readonly isSet: boolean;
  readonly isSecret: boolean;
  readonly description: string;
}
