import type { PartAnswer, PartCall, PartMethods } from './processes/part.ts';

/** Entry of the processes that a benchmark starts: the name of the part is the only argument. */
const PARTS: Readonly<Record<string, () => Promise<{ createPart: () => PartMethods }>>> = {
  load: () => import('./load/index.ts'),
  ledger: () => import('./ledger/part.ts'),
  locks: () => import('./bifrost/locks-part.ts'),
  direct: () => import('./bifrost/direct-part.ts'),
  'plain-commands': () => import('./mqtt/commands-part.ts'),
  readings: () => import('./mqtt/readings-part.ts'),
  'openai-streams-load': () => import('./openai/streams-load-part.ts'),
  'openai-endpoint': () => import('./openai/endpoint-part.ts'),
  'bare-pass-through': () => import('./references/bare-pass-through.ts'),
  'openai-load': () => import('./openai/load-part.ts'),
  'bare-ratatoskr': () => import('./references/bare-ratatoskr.ts'),
  'record-writer': () => import('./references/record-writer.ts'),
  strangers: () => import('./references/strangers.ts'),
  'bare-websocket': () => import('./references/bare-websocket.ts'),
  'bare-aedes': () => import('./references/bare-aedes.ts'),
  'tls-handshakes': () => import('./identity/tls-part.ts'),
  'bare-rest': () => import('./references/bare-rest.ts'),
  'bare-static': () => import('./references/bare-static.ts'),
};

const name = process.argv[2] ?? '';
const part = PARTS[name];
if (part === undefined) throw new Error(`there is no part "${name}"`);
const methods = (await part()).createPart();

process.on('message', (call: PartCall) => void answer(call));
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));

async function answer({ method, argument }: PartCall): Promise<void> {
  let said: PartAnswer;
  try {
    const work = methods[method];
    if (work === undefined) throw new Error('there is no such method');
    said = { value: await work(argument as never) };
  } catch (error) {
    said = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(said);
}
