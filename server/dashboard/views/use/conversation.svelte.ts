import { readEvents } from '../../api/events.ts';
import { send } from '../../api/http.ts';
import type { Money } from '../../api/types.ts';

/** What was said, and what it cost. */
export interface Turn {
  readonly id: number;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  /** Null: not known, or not yet. */
  readonly usage: Usage | null;
}

interface Usage {
  readonly total_tokens: number;
  readonly cost: Money;
}

interface Chunk {
  readonly choices?: readonly { readonly delta: { readonly content?: string | null } }[];
  readonly usage?: Usage | null;
  readonly error?: { readonly message: string };
}

/** A conversation with a model. It is in this page alone, and gone with it. */
export class Conversation {
  #turns = $state.raw<readonly Turn[]>([]);
  #running = $state.raw<AbortController | null>(null);
  #count = 0;

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  /** An answer is being written. */
  get running(): boolean {
    return this.#running !== null;
  }

  /** Says something, and resolves when the answer has ended. Throws what went wrong; what was written until then stays. */
  async say(model: string, text: string): Promise<void> {
    this.#turns = [...this.#turns, { id: ++this.#count, role: 'user', content: text, usage: null }];
    const messages = this.#turns.map(({ role, content }) => ({ role, content }));
    const running = new AbortController();
    this.#running = running;
    const id = ++this.#count;
    let answer: Turn = { id, role: 'assistant', content: '', usage: null };
    const before = this.#turns;
    try {
      const body = { model, messages, stream: true, stream_options: { include_usage: true } };
      const response = await send('POST', '/v1/chat/completions', { body, signal: running.signal });
      await readEvents(response, ({ data }) => {
        if (data === '[DONE]') return;
        const { choices, usage, error } = JSON.parse(data) as Chunk;
        if (error !== undefined) throw new Error(error.message);
        const content = answer.content + (choices?.[0]?.delta.content ?? '');
        answer = { ...answer, content, usage: usage ?? answer.usage };
        this.#turns = [...before, answer];
      });
    } catch (error) {
      if (!running.signal.aborted) throw error;
    } finally {
      this.#running = null;
    }
  }

  /** Stops the answer that is being written: what was written until then is paid. */
  stop(): void {
    this.#running?.abort();
  }

  /** Begins anew. */
  clear(): void {
    this.stop();
    this.#turns = [];
  }
}
