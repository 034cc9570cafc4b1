import { Agent, request } from 'node:http';

/** Where chats are asked for, and as whom. */
export interface ChatTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly isStreamed: boolean;
}

/** What asking one after the other gave, in milliseconds. */
export interface ChatTimes {
  readonly medianMs: number;
  readonly p99Ms: number;
}

const PROMPT = 'What is the answer to everything?';
const agent = new Agent({ keepAlive: true, maxSockets: 512 });

/** The load of the suite `openai`, in a process of its own. Throws where an answer isn't whole. */
export function createPart() {
  return {
    /** So many chats, one at a time: until the answer is whole, or of a stream until its first text. */
    async inTurn({
      target,
      count,
    }: {
      readonly target: ChatTarget;
      readonly count: number;
    }): Promise<ChatTimes> {
      const times: number[] = [];
      for (let index = 0; index < count; index++) times.push(await chat(target));
      times.sort((a, b) => a - b);
      return { medianMs: at(times, 0.5), p99Ms: at(times, 0.99) };
    },
    /** So many reads of a page of JSON, one after the other. */
    async reads({
      url,
      headers,
      count,
    }: {
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly count: number;
    }): Promise<ChatTimes> {
      const times: number[] = [];
      for (let index = 0; index < count; index++) times.push(await readOnce(url, headers));
      times.sort((a, b) => a - b);
      return { medianMs: at(times, 0.5), p99Ms: at(times, 0.99) };
    },
    /** As many chats as come through in so many seconds, some at a time: a second's share of them. */
    async atOnce({
      target,
      lanes,
      seconds,
    }: {
      readonly target: ChatTarget;
      readonly lanes: number;
      readonly seconds: number;
    }): Promise<number> {
      const beganMs = performance.now();
      let answered = 0;
      const lane = async () => {
        while (performance.now() - beganMs < seconds * 1_000) {
          await chat(target);
          answered++;
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return answered / ((performance.now() - beganMs) / 1_000);
    },
  };
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** One read; how long it took. */
function readOnce(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const beganMs = performance.now();
    const asked = request(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - beganMs);
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** One chat; how long it took. */
function chat({ url, headers, model, isStreamed }: ChatTarget): Promise<number> {
  const body = JSON.stringify({
    model,
    stream: isStreamed,
    max_tokens: 50,
    messages: [{ role: 'user', content: PROMPT }],
  });
  return new Promise((resolve, reject) => {
    const beganMs = performance.now();
    const options = {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    };
    const asked = request(`${url}/chat/completions`, options, (response) => {
      let text = '';
      let firstMs: number | null = null;
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (isStreamed && firstMs === null && /"content":"[^"]/.test(text))
          firstMs = performance.now() - beganMs;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isWhole = isStreamed ? firstMs !== null && text.includes('[DONE]') : text.includes('"choices"');
        if (response.statusCode === 200 && isWhole) resolve(firstMs ?? performance.now() - beganMs);
        else reject(new Error(`${url}: ${response.statusCode} ${text.slice(0, 500)}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

export type OpenAiLoad = ReturnType<typeof createPart>;
