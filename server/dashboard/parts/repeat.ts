import { untrack } from 'svelte';

/**
 * Does something now, and again so long after it was done, while the page is looked at; until it is stopped. What fails is tried
 * again the next time: that there is no connection is said elsewhere. An effect that starts it doesn't depend on what the work reads.
 */
export function repeat(intervalMs: number, work: () => Promise<unknown>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const run = async () => {
    clearTimeout(timer);
    if (!document.hidden) await work().catch(() => undefined);
    if (!stopped) timer = setTimeout(run, intervalMs);
  };
  const look = () => {
    if (!document.hidden) void run();
  };
  document.addEventListener('visibilitychange', look);
  untrack(run);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
