import type { ServerResponse } from 'node:http';
import { type Answering, EndpointStandIn } from '../endpoint-stand-in.ts';

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

/** An endpoint that says `WHOLE`, going on from what it is given. */
export class WordEndpoint extends EndpointStandIn {
  readonly sayings: Saying[] = [];
  /** Asked before each word; where it says so, the answer breaks off here. */
  beforeWord: (word: number, response: ServerResponse) => Promise<void> = async () => {};

  override answering: Answering = async (response, { messages }) => {
    const last = (messages as { role: string; content: string }[]).at(-1);
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
  };
}

const eventOf = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
