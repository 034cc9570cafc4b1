import { createInterface, type Interface } from 'node:readline';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { printJson } from '../node/print.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import { isForPeople, painted, printable, printableLines } from '../node/terminal.ts';
import type { ShowOptions } from './devices.ts';
import { readModels } from './models.ts';

/** The options of `chat`. */
export interface ChatOptions extends ShowOptions {
  readonly model?: string;
  readonly system?: string;
  readonly maxTokens?: number;
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost: { readonly value: string; readonly currency: string };
}

interface Chunk {
  readonly id?: string;
  readonly choices?: readonly { readonly delta: { readonly content?: string | null } }[];
  readonly usage?: Usage | null;
  readonly error?: { readonly message: string };
}

/** What came of one question. `isWhole`: false where it was stopped. */
interface Answer {
  readonly content: string;
  readonly isWhole: boolean;
  readonly transactionId: string | null;
  readonly usage: Usage | null;
}

/** A transaction of a stopped answer is looked at so often, */
const LOOKS_MAX = 20;
/** and so long apart, in milliseconds. */
const LOOK_INTERVAL_MS = 250;
/** 128 and the number of SIGINT, as shells have it. */
const EXIT_INTERRUPTED = 130;

/**
 * `chat`: an answer as it is written, then what it cost, to standard error. The text comes from the arguments, or from standard input; on a
 * terminal, without a text, one question after the other. Ctrl-C stops an answer: what was written is paid. The exit code: 0, or 130 where
 * the only answer was stopped. Throws an InvalidArgumentError without a text, an Error where the server refuses.
 */
export async function chat(words: readonly string[], options: ChatOptions): Promise<number> {
  const api = restApi(options);
  const given = words.join(' ');
  const isConversation = given === '' && process.stdin.isTTY === true;
  const said = given === '' && !isConversation ? (await readAll(process.stdin)).trim() : given;
  if (said === '' && !isConversation)
    throw new InvalidArgumentError('Say something, as arguments or on standard input.');
  const model = options.model ?? (await anyModel(api));
  const asked = { api, model, options };
  const system: Message[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  if (isConversation) return converse(asked, system);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const answer = await ask(asked, [...system, { role: 'user', content: said }], stop.signal);
  return answer.isWhole ? 0 : EXIT_INTERRUPTED;
}

interface Asked {
  readonly api: RestApi;
  readonly model: string;
  readonly options: ChatOptions;
}

async function anyModel(api: RestApi): Promise<string> {
  const [first] = await readModels(api);
  if (first === undefined) throw new Error('Nobody offers a model now.');
  return first.id;
}

/** One question after the other, until Ctrl-D, or Ctrl-C where nothing is being written. */
async function converse(asked: Asked, messages: Message[]): Promise<number> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    prompt: `${painted(asked.model, 'title', process.stderr)}> `,
  });
  let running: AbortController | null = null;
  lines.on('SIGINT', () => (running === null ? lines.close() : running.abort()));
  for await (const line of questions(lines)) {
    running = new AbortController();
    messages.push({ role: 'user', content: line });
    try {
      const { content } = await ask(asked, messages, running.signal);
      if (content !== '') messages.push({ role: 'assistant', content });
    } catch (error) {
      messages.pop();
      process.stderr.write(`${painted(printable((error as Error).message), 'bad', process.stderr)}\n`);
    }
    running = null;
  }
  return 0;
}

async function* questions(lines: Interface): AsyncGenerator<string> {
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== '') yield line;
    lines.prompt();
  }
}

/** Asks, and shows the answer and its cost. */
async function ask(
  { api, model, options }: Asked,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<Answer> {
  const body = {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
  };
  const isJson = options.json === true;
  let answer: Answer = { content: '', isWhole: false, transactionId: null, usage: null };
  const write = (text: string) => {
    if (!isJson) process.stdout.write(isForPeople(process.stdout) ? printableLines(text) : text);
  };
  try {
    for await (const { data } of api.events<Chunk | '[DONE]'>('/v1/chat/completions', { body, signal })) {
      if (data === '[DONE]') {
        answer = { ...answer, isWhole: true };
        continue;
      }
      if (data.error !== undefined) throw new Error(data.error.message);
      const piece = data.choices?.[0]?.delta.content ?? '';
      write(piece);
      answer = {
        ...answer,
        content: answer.content + piece,
        usage: data.usage ?? answer.usage,
        transactionId: data.id?.replace(/^chatcmpl-/, '') ?? answer.transactionId,
      };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (answer.content !== '') write('\n');
  await tellCost(api, answer, model, isJson);
  if (!answer.isWhole && !signal.aborted) throw new Error('The answer broke off.');
  return answer;
}

async function tellCost(api: RestApi, answer: Answer, model: string, isJson: boolean): Promise<void> {
  const { transactionId, usage, isWhole, content } = answer;
  const cost =
    usage?.cost ?? (transactionId === null ? null : await costOf(api, transactionId).catch(() => null));
  if (isJson) return printJson({ model, content, isWhole, transactionId, usage, cost });
  const tokens = usage === null ? '' : `${usage.prompt_tokens} + ${usage.completion_tokens} tokens, `;
  const price = cost === null ? 'its transaction says what it cost' : `${cost.value} ${cost.currency}`;
  const stopped = isWhole ? '' : 'stopped; ';
  process.stderr.write(`${painted(`${stopped}${tokens}${price}`, 'quiet', process.stderr)}\n`);
}

/** What a stopped answer cost, once the server has settled it; null where that takes too long. */
async function costOf(api: RestApi, transactionId: string): Promise<Usage['cost'] | null> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const path = `/api/v1/marketplace/transactions/${transactionId}`;
    const found = await api.ask<{ cost: Usage['cost']; finishedAt: string | null }>('GET', path);
    if (found.finishedAt !== null) return found.cost;
    await pause(LOOK_INTERVAL_MS);
  }
  return null;
}
