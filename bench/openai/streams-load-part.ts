import { Agent, type ClientRequest, request } from 'node:http';
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
  const agent = new Agent({ keepAlive: true, maxSockets: 2_048 });
  const requests = new Set<ClientRequest>();
  let gapsMs: number[] = [];
  let ended = 0;
  const isNear = new Set<() => number>();

  function open({ url, headers, model }: Target): Promise<void> {
    const messages = [{ role: 'user', content: 'Go on.' }];
    const body = JSON.stringify({ model, stream: true, max_tokens: TOKENS_MAX, messages });
    return new Promise((resolve, reject) => {
      let lastMs: number | null = null;
      const sent = {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const asked = request(
        `${url}/chat/completions`,
        { method: 'POST', agent, headers: sent },
        (response) => {
          if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
          response.on('data', (piece: Buffer) => {
            for (let at = piece.indexOf(WORD); at !== -1; at = piece.indexOf(WORD, at + 1)) {
              const nowMs = performance.now();
              if (lastMs !== null) gapsMs.push(nowMs - lastMs);
              lastMs = nowMs;
            }
            if (lastMs !== null) resolve();
          });
          response.on('close', () => {
            ended++;
            requests.delete(asked);
            isNear.delete(silence);
          });
        },
      );
      const silence = () => performance.now() - (lastMs ?? performance.now());
      isNear.add(silence);
      asked.on('error', reject);
      requests.add(asked);
      asked.end(body);
    });
  }

  return {
    /** Opens so many streams, in turn at these targets. Resolves when each has its first word. */
    open: async ({ targets, count }: { readonly targets: readonly Target[]; readonly count: number }) => {
      let next = 0;
      const lane = async () => {
        while (next < count) await open(targets[next++ % targets.length] as Target);
      };
      await Promise.all(Array.from({ length: OPENED_AT_ONCE }, lane));
    },
    /** Reads for so many seconds. */
    read: async ({ seconds }: { readonly seconds: number }): Promise<StreamTimes> => {
      gapsMs = [];
      ended = 0;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      // Who waits now would be seen by no gap.
      const open = [...isNear].map((silence) => silence());
      const sorted = Float64Array.from(gapsMs).sort();
      const all = [...open, sorted.at(-1) ?? 0];
      return {
        chunks: sorted.length,
        gapP99Ms: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN,
        gapMaxMs: Math.max(...all),
        stalls: [...open, ...sorted].filter((gapMs) => gapMs > STALL_MS).length,
        ended,
      };
    },
    /** Leaves all streams. */
    leave: async (_: null): Promise<void> => {
      for (const asked of requests) asked.destroy();
      requests.clear();
    },
  };
}

export type StreamsLoad = ReturnType<typeof createPart>;
