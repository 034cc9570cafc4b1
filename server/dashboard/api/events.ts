import { reportConnection } from './connection.svelte.ts';
import { createEventReader, type ServerEvent } from './event-reader.ts';
import { ApiError, send } from './http.ts';

/** Reads a body to its end, and gives its events as they come. */
export async function readEvents(
  response: Response,
  receive: (event: ServerEvent) => void,
  heard: () => void = () => undefined,
): Promise<void> {
  const read = createEventReader(receive);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const piece = await reader?.read();
    if (piece === undefined || piece.done) return;
    heard();
    read(piece.value);
  }
}

const WAIT_MS_MIN = 1_000;
const WAIT_MS_MAX = 30_000;
/** After so much silence the line is dead: the server sends a comment every 15 seconds. */
const SILENCE_MS_MAX = 40_000;

/**
 * Follows a stream until it is stopped, and takes it up again when it breaks: after sleep, after a restart of the server. `connected`
 * says whether what was received is all there is up to now.
 */
export function follow(
  path: string,
  receive: (event: ServerEvent) => void,
  connected: (is: boolean) => void,
): () => void {
  const stop = new AbortController();
  void (async () => {
    let waitMs = WAIT_MS_MIN;
    while (!stop.signal.aborted) {
      try {
        await followOnce(path, receive, stop.signal, () => {
          waitMs = WAIT_MS_MIN;
          connected(true);
        });
      } catch (error) {
        // Who may not follow, may not a second later either.
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) return;
      } finally {
        if (!stop.signal.aborted) connected(false);
      }
      await wait(waitMs, stop.signal);
      waitMs = Math.min(waitMs * 2, WAIT_MS_MAX);
    }
  })();
  return () => stop.abort();
}

async function followOnce(
  path: string,
  receive: (event: ServerEvent) => void,
  stopped: AbortSignal,
  begun: () => void,
): Promise<void> {
  const dead = new AbortController();
  let timer = setTimeout(() => dead.abort(), SILENCE_MS_MAX);
  const signal = AbortSignal.any([stopped, dead.signal]);
  try {
    const response = await send('GET', path, { headers: { accept: 'text/event-stream' }, signal });
    begun();
    await readEvents(response, receive, () => {
      clearTimeout(timer);
      timer = setTimeout(() => dead.abort(), SILENCE_MS_MAX);
    });
  } catch (error) {
    if (!stopped.aborted && !(error instanceof ApiError)) reportConnection(false);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits, or until the page is looked at again: nobody who comes back waits half a minute. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
