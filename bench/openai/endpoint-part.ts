import type { HttpResponse } from 'uWebSockets.js';
import uws from 'uWebSockets.js';

/** Between two looks at which streams are due, in milliseconds. */
const TICK_MS = 1;
const CHUNK = event({ content: ' word' }, null);

/** An endpoint whose streams say one word at once, and the others at a pace that it is told: all at the same, each at its own time. */
export function createPart() {
  const streams = new Set<HttpResponse>();
  let timer: NodeJS.Timeout | undefined;
  return {
    /** Its port. */
    listen: async ({ model }: { readonly model: string }): Promise<number> => {
      const app = uws.App();
      app.get('/v1/models', (response) => {
        response.end(JSON.stringify({ data: [{ id: model }] }));
      });
      app.post('/v1/chat/completions', (response) => {
        response.onAborted(() => streams.delete(response));
        response.onData((_, isLast) => {
          if (!isLast) return;
          response.cork(() => response.writeHeader('content-type', 'text/event-stream').write(CHUNK));
          streams.add(response);
        });
      });
      return new Promise((resolve) => {
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      });
    },
    /** Lets each stream say so many words a second from now on. */
    begin: async ({ chunksPerSecond }: { readonly chunksPerSecond: number }): Promise<void> => {
      const intervalMs = 1_000 / chunksPerSecond;
      const startedMs = performance.now();
      /** Chunks of each stream that are out, by the stream's place. */
      const due = (place: number) => (performance.now() - startedMs) / intervalMs - place / streams.size;
      const sent = new Map<HttpResponse, number>();
      timer = setInterval(() => {
        let place = 0;
        for (const stream of streams) {
          const before = sent.get(stream) ?? 0;
          if (due(place++) < before + 1) continue;
          sent.set(stream, before + 1);
          stream.cork(() => stream.write(CHUNK));
        }
      }, TICK_MS);
    },
    /** Ends all streams. */
    end: async (): Promise<void> => {
      clearInterval(timer);
      for (const stream of streams) {
        stream.cork(() => stream.end(`${event({}, 'stop')}data: [DONE]\n\n`));
        streams.delete(stream);
      }
    },
  };
}

function event(delta: object, finishReason: string | null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`;
}

export type OpenAiEndpoint = ReturnType<typeof createPart>;
