import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { decodePayload, encodePayload, RatatoskrHandshake } from '../../proto/index.ts';
import {
  PUZZLES_FEATURE,
  RATATOSKR_SUBPROTOCOL,
  RatatoskrSession,
  solve,
} from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto as crypto } from '../../proto/ratatoskr/node.ts';
import { encodeMessage, WebSocketWire } from '../wire/websocket.ts';

/** Handshakes that one stranger has half open at the same time: fewer than one address may have. */
const WINDOW = 32;

interface Knock {
  readonly port: number;
  readonly serverKey: string;
  readonly count: number;
  /**
   * `right`: each with keys of its own, which the server agrees on. `repeated`: the same right first message each time. `broken`: the same,
   * wrong at its end. `unsolved`: as broken, and puzzles are not solved.
   */
  readonly how: 'right' | 'repeated' | 'broken' | 'unsolved';
}

/** The fastest way of node:crypto for a short text. */
const hashing = { sha256: (data: Uint8Array) => hash('sha256', data, 'buffer') };

/** Strangers, who begin handshakes as cheaply as they can and leave them as soon as the server has answered. */
export function createPart() {
  const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
  const staticKey = crypto.generateKeyPair();
  const firstFor = (serverKey: string) =>
    RatatoskrSession.begin(
      { staticKey, serverKey: Buffer.from(serverKey, 'base64url'), features: PUZZLES_FEATURE },
      { crypto, signer: core },
    ).first;
  return {
    /** The stranger's own processor time, in seconds. */
    knock: async ({ port, serverKey, count, how }: Knock): Promise<number> => {
      const right = firstFor(serverKey);
      const broken = right.slice();
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      const before = process.cpuUsage();
      for (let done = 0; done < count; done += WINDOW) {
        const wave = Array.from({ length: Math.min(WINDOW, count - done) }, () =>
          knockOnce(
            port,
            how === 'right' ? firstFor(serverKey) : how === 'repeated' ? right : broken,
            how !== 'unsolved',
          ),
        );
        await Promise.all(wave);
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    },
  };
}

export type Strangers = ReturnType<typeof createPart>;

/** Leaves as soon as the server has answered, or has asked for a puzzle that isn't solved. */
async function knockOnce(port: number, first: Uint8Array, solves: boolean): Promise<void> {
  const wire = await WebSocketWire.connect({ port, path: '/ratatoskr', subprotocol: RATATOSKR_SUBPROTOCOL });
  await new Promise<void>((resolve) => {
    wire.onMessages = ([answer]) => {
      const { puzzle: bytes, puzzleBits: bits } = decodePayload(RatatoskrHandshake, answer ?? first);
      if (bytes.length === 0 || !solves) resolve();
      else {
        const solved = decodePayload(RatatoskrHandshake, first);
        solved.solution = solve({ bytes, bits }, hashing);
        wire.send(encodeMessage(encodePayload(RatatoskrHandshake, solved)));
      }
    };
    wire.onClosed = () => resolve();
    wire.send(encodeMessage(first));
  });
  wire.close();
}
