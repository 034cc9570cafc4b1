import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What every answer says, word by word. */
export const WORDS: readonly string[] = Array.from(
  'A stream that is cut goes on where it was left so nobody hears a word twice or pays for one that never came '
    .repeat(2)
    .matchAll(/\S+ /g),
  ([word], index) => (index % 7 === 6 ? `${index} ${word}` : word),
);
export const WHOLE = WORDS.join('');

/** What an endpoint was asked, and what it has said so far. */
export interface Saying {
  /** The words that the request brought, to be gone on from. */
  readonly beginning: string;
  said: string;
}

/** An OpenAI-compatible endpoint that says `WHOLE`, going on from what it is given. */
export class WordEndpoint {
  readonly sayings: Saying[] = [];
  /** Asked before each word; where it says so, the answer breaks off here. */
  beforeWord: (word: number, response: ServerResponse) => Promise<void> = async () => {};
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  /** Resolves with its address. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"words"}]}');
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { messages } = JSON.parse(Buffer.concat(parts).toString()) as {
      messages: { role: string; content: string }[];
    };
    const last = messages.at(-1);
    const saying: Saying = { beginning: last?.role === 'assistant' ? last.content : '', said: '' };
    this.sayings.push(saying);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let at = 0;
    for (const [index, word] of WORDS.entries()) {
      at += word.length;
      if (at <= saying.beginning.length) continue;
      await this.beforeWord(index, response);
      if (response.destroyed) return;
      saying.said += word;
      response.write(eventOf({ content: word }, null));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end(`${eventOf({}, 'stop')}data: [DONE]\n\n`);
  }
}

const eventOf = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
