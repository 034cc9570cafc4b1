import { readEvents } from '../../api/events.ts';
import { send } from '../../api/http.ts';
import type { Money } from '../../api/types.ts';

/** A function that a model wants to be called. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** What was said, and what it cost. */
export interface Turn {
  readonly id: number;
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** What the model thought before; empty: nothing that it shows. */
  readonly reasoning: string;
  readonly calls: readonly ToolCall[];
  /** Of the call that it answers; null: it answers none. */
  readonly callId: string | null;
  /** Null: not known, or not yet. */
  readonly usage: Usage | null;
}

interface Usage {
  readonly total_tokens: number;
  readonly cost: Money;
}

/** What else a model is told. */
export interface Wishes {
  /** Empty: nothing. */
  readonly system: string;
  /** As OpenAI describes them. */
  readonly tools: readonly object[];
}

interface Chunk {
  readonly choices?: readonly { readonly delta: Delta }[];
  readonly usage?: Usage | null;
  readonly error?: { readonly message: string };
}

interface Delta {
  readonly content?: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: readonly {
    readonly index: number;
    readonly id?: string;
    readonly function?: { readonly name?: string; readonly arguments?: string };
  }[];
}

const SILENT = { content: '', reasoning: '', calls: [], callId: null, usage: null } as const;

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

  /** Calls of the last answer, which wait for what they give. */
  get openCalls(): readonly ToolCall[] {
    return this.running ? [] : (this.#turns.at(-1)?.calls ?? []);
  }

  /** Euros of all answers together. */
  get cost(): number {
    return this.#turns.reduce((sum, { usage }) => sum + Number(usage?.cost.value ?? 0), 0);
  }

  /** Says something, and resolves when the answer has ended. Throws what went wrong; what was written until then stays. */
  say(model: string, text: string, wishes: Wishes): Promise<void> {
    this.#turns = [...this.#turns, { ...SILENT, id: ++this.#count, role: 'user', content: text }];
    return this.#ask(model, wishes);
  }

  /** Says what the open calls gave, by their ids, and resolves when the answer to that has ended. */
  giveResults(model: string, results: Readonly<Record<string, string>>, wishes: Wishes): Promise<void> {
    const given = this.openCalls.map(({ id }) => ({
      ...SILENT,
      id: ++this.#count,
      role: 'tool' as const,
      content: results[id] ?? '',
      callId: id,
    }));
    this.#turns = [...this.#turns, ...given];
    return this.#ask(model, wishes);
  }

  async #ask(model: string, { system, tools }: Wishes): Promise<void> {
    const said = this.#turns.map(messageOf);
    const messages = system.trim() === '' ? said : [{ role: 'system', content: system }, ...said];
    const running = new AbortController();
    this.#running = running;
    let answer: Turn = { ...SILENT, id: ++this.#count, role: 'assistant' };
    const before = this.#turns;
    try {
      const body = {
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
        ...(tools.length === 0 ? {} : { tools }),
      };
      const response = await send('POST', '/v1/chat/completions', { body, signal: running.signal });
      await readEvents(response, ({ data }) => {
        if (data === '[DONE]') return;
        const { choices, usage, error } = JSON.parse(data) as Chunk;
        if (error !== undefined) throw new Error(error.message);
        answer = { ...withDelta(answer, choices?.[0]?.delta ?? {}), usage: usage ?? answer.usage };
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

/** A turn as the API takes it. */
function messageOf({ role, content, calls, callId }: Turn): object {
  if (role === 'tool') return { role, content, tool_call_id: callId };
  if (calls.length === 0) return { role, content };
  const called = calls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }));
  return { role, content: content === '' ? null : content, tool_calls: called };
}

/** An answer that goes on by a piece. */
function withDelta(
  answer: Turn,
  { content, reasoning_content: reasoning, tool_calls: pieces = [] }: Delta,
): Turn {
  const calls = [...answer.calls];
  for (const { index, id, function: called } of pieces) {
    const known = calls[index] ?? { id: '', name: '', arguments: '' };
    calls[index] = {
      id: id ?? known.id,
      name: known.name + (called?.name ?? ''),
      arguments: known.arguments + (called?.arguments ?? ''),
    };
  }
  return {
    ...answer,
    content: answer.content + (content ?? ''),
    reasoning: answer.reasoning + (reasoning ?? ''),
    calls,
  };
}
