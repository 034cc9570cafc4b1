/** A client, as far as the log says who it is. */
export interface LoggedClient {
  readonly clientId: string;
  readonly remoteAddress: string;
}

/** Who it is about, for the log; what a stranger chose is cut short. */
export function loggedClient(client: LoggedClient | undefined): Record<string, unknown> {
  return client ? { clientId: shortened(client.clientId), remoteAddress: client.remoteAddress } : {};
}

/** A text of a stranger's, for the log. */
export function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}
