/**
 * What the server's code may not take from its surroundings: it comes in through the composition root, so that a test or
 * a simulation can give it. It comes from the adapters in `server/platform/`; the process belongs to `server/main.ts`
 * and to the program that joins the commands.
 */
export const SURROUNDINGS: Readonly<Record<string, { names: readonly string[]; because: string }>> = {
  'no-timer': {
    names: ['setTimeout', 'setInterval', 'setImmediate', 'AbortSignal.timeout', 'Atomics'],
    because: 'waiting goes through the clock that was given',
  },
  'no-clock': { names: ['Date', 'performance'], because: 'the time is an input' },
  'no-chance': { names: ['Math.random', 'crypto'], because: 'chance is an input' },
  'no-network': {
    names: ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'BroadcastChannel', 'Worker', 'navigator'],
    because: 'sockets are opened by adapters',
  },
  'no-process': {
    names: ['process', 'console', 'global', 'globalThis', 'require', 'module', '__dirname', '__filename'],
    because: 'the process is for main.ts and yggdrasil.ts',
  },
  'no-hidden-code': {
    names: ['eval', 'Function'],
    because: 'code that is made from text escapes every rule',
  },
};

/** What may be imported from node:crypto outside of adapters: the same input gives the same result. */
export const DETERMINISTIC_CRYPTO = ['createHash', 'createHmac', 'timingSafeEqual'];

/** Uses that are allowed nevertheless. A line that nothing needs any more is refused. */
export const SURROUNDINGS_ALLOWED: readonly { path: string; name: string; because: string }[] = [
  {
    path: 'server/domains/ledger/writer.ts',
    name: 'setImmediate',
    because: 'one turn of the event loop, so that commands that arrive together are committed together',
  },
  {
    path: 'server/domains/locks/writer.ts',
    name: 'setImmediate',
    because: 'one turn of the event loop, so that commands that arrive together are committed together',
  },
  {
    path: 'server/domains/pricing/billable-text.ts',
    name: 'setImmediate',
    because: 'one turn of the event loop, so that others have theirs while a long answer is looked at',
  },
  {
    path: 'server/domains/relay/stream-writer.ts',
    name: 'setImmediate',
    because: 'one turn of the event loop, so that frames that arrive together are committed together',
  },
  {
    path: 'server/domains/topics/changes.ts',
    name: 'setImmediate',
    because: 'one turn of the event loop, so that changes that arrive together are committed together',
  },
  {
    path: 'server/kernel/loop-turns.ts',
    name: 'setImmediate',
    because: 'turns of the event loop are what it gives; no time is waited for',
  },
];
