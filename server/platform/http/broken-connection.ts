/**
 * Remembers that a connection is about to be closed because its bytes can't be trusted.
 *
 * The library reads on in what came with the refused request, and calls for what it takes to be the next one before
 * the connection closes. It doesn't say on which connection that was: only one is being read at a time, and it is the
 * refused one until a connection has closed. Should its answer not fit into the socket, it stays open for longer than
 * that: then the address tells it from others until the turn is over.
 */
export class BrokenConnection {
  #remoteAddress: string | null = null;

  /** The connection being read is to be closed with the answer that is given now. */
  begin(remoteAddress: string): void {
    this.#remoteAddress = remoteAddress;
    setImmediate(() => this.ended());
  }

  /** A connection was closed. */
  ended(): void {
    this.#remoteAddress = null;
  }

  /** True when a request from there came on the refused connection, behind what was refused. */
  includes(remoteAddress: string): boolean {
    return this.#remoteAddress === remoteAddress;
  }
}
