import { readFileSync } from 'node:fs';
import { loadServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { RATATOSKR_SUBPROTOCOL, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto as crypto } from '../../proto/ratatoskr/node.ts';
import { encodeMessage, WebSocketWire } from '../wire/websocket.ts';

/** Handshakes that one stranger has half open at the same time: fewer than one address may have. */
const WINDOW = 32;

interface Knock {
  readonly port: number;
  readonly serverKey: string;
  readonly count: number;
  /** Each with keys of its own, which the server agrees on; else the same bytes, wrong at their end. */
  readonly isRight: boolean;
}

/** Strangers, who begin handshakes as cheaply as they can and leave them as soon as the server has answered. */
export function createPart() {
  const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
  const staticKey = crypto.generateKeyPair();
  const firstFor = (serverKey: string) =>
    RatatoskrSession.begin(
      { staticKey, serverKey: Buffer.from(serverKey, 'base64url') },
      { crypto, signer: core },
    ).first;
  return {
    /** The stranger's own processor time, in seconds. */
    knock: async ({ port, serverKey, count, isRight }: Knock): Promise<number> => {
      const broken = firstFor(serverKey).slice();
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      const before = process.cpuUsage();
      for (let done = 0; done < count; done += WINDOW) {
        const wave = Array.from({ length: Math.min(WINDOW, count - done) }, () =>
          knockOnce(port, isRight ? firstFor(serverKey) : broken),
        );
        await Promise.all(wave);
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    },
  };
}

export type Strangers = ReturnType<typeof createPart>;

async function knockOnce(port: number, first: Uint8Array): Promise<void> {
  const wire = await WebSocketWire.connect({ port, path: '/ratatoskr', subprotocol: RATATOSKR_SUBPROTOCOL });
  await new Promise<void>((resolve) => {
    wire.onMessages = () => resolve();
    wire.onClosed = () => resolve();
    wire.send(encodeMessage(first));
  });
  wire.close();
}
