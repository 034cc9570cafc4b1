import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Target } from './market.ts';

/** A gap between two words of a stream that its reader takes for a stall, in milliseconds. */
const STALL_MS = 1_000;
/** Streams that are opened at a time: a provider is given more as it shows that it serves them. */
const OPENED_AT_ONCE = 4;
/** More words than any measurement has. */
const TOKENS_MAX = 100_000;
/** Words that came together may be one chunk. */
const WORD = Buffer.from(' word');

/** What readers saw. */
export interface StreamTimes {
  readonly chunks: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  readonly stalls: number;
  /** Streams that ended meanwhile. */
  readonly ended: number;
}

/** Readers of streams, in a process of their own. */
export function createPart() {
  const readers = new Readers();
  return {
    /** Opens so many streams, in turn at these targets. Resolves when each has its first word. */
    open: async ({ targets, count }: { readonly targets: readonly Target[]; readonly count: number }) => {
      let next = 0;
      const lane = async () => {
        while (next < count) await readers.open(targets[next++ % targets.length] as Target);
      };
      await Promise.all(Array.from({ length: OPENED_AT_ONCE }, lane));
    },
    /** Reads for so many seconds. */
    read: async ({ seconds }: { readonly seconds: number }): Promise<StreamTimes> => {
      readers.forget();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      return readers.times();
    },
    /** Leaves all streams. */
    leave: async (_: null): Promise<void> => readers.leave(),
  };
}

class Readers {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2_048 });
  readonly #requests = new Set<ClientRequest>();
  /** How long each open stream has been silent. */
  readonly #silences = new Set<() => number>();
  #gapsMs: number[] = [];
  #ended = 0;

  /** Resolves with the first word. */
  open({ url, headers, model }: Target): Promise<void> {
    const messages = [{ role: 'user', content: 'Go on.' }];
    const body = JSON.stringify({ model, stream: true, max_tokens: TOKENS_MAX, messages });
    const sent = {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const options = { method: 'POST', agent: this.#agent, headers: sent };
    return new Promise((resolve, reject) => {
      const asked = request(`${url}/chat/completions`, options, (response) => {
        if (response.statusCode === 200) this.#read(asked, response, resolve);
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
      asked.on('error', reject);
      this.#requests.add(asked);
      asked.end(body);
    });
  }

  #read(asked: ClientRequest, response: IncomingMessage, began: () => void): void {
    let lastMs: number | null = null;
    const silence = () => performance.now() - (lastMs ?? performance.now());
    this.#silences.add(silence);
    response.on('data', (piece: Buffer) => {
      for (let at = piece.indexOf(WORD); at !== -1; at = piece.indexOf(WORD, at + 1)) {
        const nowMs = performance.now();
        if (lastMs !== null) this.#gapsMs.push(nowMs - lastMs);
        lastMs = nowMs;
      }
      if (lastMs !== null) began();
    });
    response.on('close', () => {
      this.#ended++;
      this.#requests.delete(asked);
      this.#silences.delete(silence);
    });
  }

  forget(): void {
    this.#gapsMs = [];
    this.#ended = 0;
  }

  times(): StreamTimes {
    // Who waits now would be seen by no gap.
    const open = [...this.#silences].map((silence) => silence());
    const sorted = Float64Array.from(this.#gapsMs).sort();
    return {
      chunks: sorted.length,
      gapP99Ms: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN,
      gapMaxMs: Math.max(...open, sorted.at(-1) ?? 0),
      stalls: open.filter(isStall).length + sorted.filter(isStall).length,
      ended: this.#ended,
    };
  }

  leave(): void {
    for (const asked of this.#requests) asked.destroy();
    this.#requests.clear();
  }
}

const isStall = (gapMs: number): boolean => gapMs > STALL_MS;

export type StreamsLoad = ReturnType<typeof createPart>;
