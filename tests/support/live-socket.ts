import { WebSocket } from 'ws';
import { Changes } from './changes.ts';
import type { TestServer } from './server.ts';

/** What a test opens it with. */
export interface LiveSocketOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface ServerMessage {
  readonly id: number;
  readonly status?: number;
  readonly body?: { readonly error: { readonly code: string } };
  readonly data?: string;
  readonly end?: string;
}

/** A connection to `/api/v1/live` whose messages are kept. */
export class LiveSocket {
  readonly #socket: WebSocket;
  readonly #changes = new Changes();
  readonly messages: ServerMessage[] = [];
  #closed: string | null = null;
  #lastId = 0;

  constructor(server: TestServer, { token, headers = {} }: LiveSocketOptions) {
    const offered = ['yggdrasil.live.v1', ...(token === undefined ? [] : [`bearer.${token}`])];
    const url = `${server.httpUrl.replace(/^http/, 'ws')}/api/v1/live`;
    this.#socket = new WebSocket(url, offered, { headers });
    this.#socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as ServerMessage);
      this.#changes.happened();
    });
    this.#socket.on('close', (code, reason) => {
      this.#closed = `${code} ${reason.toString()}`;
      this.#changes.happened();
    });
    this.#socket.on('error', () => undefined);
  }

  /** Resolves when messages can be sent. */
  async opened(): Promise<this> {
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve, reject) => this.#socket.once('open', resolve).once('error', reject));
    }
    return this;
  }

  /** Asks for a stream; its number. */
  follow(operation: string, asked: Readonly<Record<string, unknown>> = {}): number {
    this.send({ follow: ++this.#lastId, operation, ...asked });
    return this.#lastId;
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Reads nothing more, until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** How the stream is answered: `200`, or `404 network_not_found`. */
  answered(id: number): Promise<string> {
    return this.#changes.until(() => {
      const answer = this.messages.find((message) => message.id === id && message.status !== undefined);
      if (answer === undefined) return null;
      return `${answer.status}${answer.body === undefined ? '' : ` ${answer.body.error.code}`}`;
    }, `an answer to ${id}`);
  }

  /** What came of the stream until now. */
  textOf(id: number): string {
    return this.messages.map((message) => (message.id === id ? (message.data ?? '') : '')).join('');
  }

  /** Resolves when the stream has said something like it. */
  said(id: number, pattern: RegExp): Promise<string> {
    return this.#changes.until(() => pattern.exec(this.textOf(id))?.[0] ?? null, String(pattern));
  }

  /** How the stream ended. */
  ended(id: number): Promise<string> {
    return this.#changes.until(
      () => this.messages.find((message) => message.id === id && message.end !== undefined)?.end ?? null,
      `the end of ${id}`,
    );
  }

  /** Code and reason with which the server ended it. */
  closed(): Promise<string> {
    return this.#changes.until(() => this.#closed, 'the end of the connection');
  }

  close(): void {
    this.#socket.terminate();
  }
}
