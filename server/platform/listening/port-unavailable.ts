import { StartError } from '../../kernel/start-error.ts';

/** What listens, by what is spoken there. */
export type ListeningProtocol = keyof typeof VARIABLES;

/** An address that can't be listened on; the message is for the operator. */
export class PortUnavailableError extends StartError {
  /** The operating system's name for it: `EADDRINUSE`. */
  readonly code: string;

  constructor(protocol: ListeningProtocol, host: string, port: number, code: string) {
    super(
      `${protocol} can't listen on ${host}:${port}: ${REASONS[code] ?? code}. Set ${VARIABLES[protocol]} to another.`,
    );
    this.name = 'PortUnavailableError';
    this.code = code;
  }
}

const VARIABLES = {
  HTTP: 'YGGDRASIL_HOST or YGGDRASIL_PORT',
  MQTT: 'YGGDRASIL_MQTT_HOST or YGGDRASIL_MQTT_PORT',
  Ratatoskr: 'YGGDRASIL_HOST or YGGDRASIL_RATATOSKR_PORT',
} as const;

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program',
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this is not an address',
};
