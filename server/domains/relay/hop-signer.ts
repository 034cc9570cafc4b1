import type { SigningKey } from '../../../assembly/host/index.ts';
import { copyOfFrame, SIGNATURE_BYTES, type UnsignedFrame } from '../../../proto/index.ts';
import { BATCH_SIGNATURES_MAX, MIXED_BATCH_MIN, SAME_FRAME_BATCH_MIN } from './limits.ts';
import type { RelayCore } from './ports.ts';

/** A frame on its way to one device. Several that follow each other may share a frame. */
export interface Outgoing {
  readonly signingKey: SigningKey;
  readonly frame: UnsignedFrame;
}

/** Gets bytes of its own, signed for its receiver. */
type HandOver<Item> = (item: Item, bytes: Uint8Array) => void;

/** Signs frames under the keys of their receivers: a few one by one, more in batches of four lanes. */
export class HopSigner {
  readonly #core: Pick<RelayCore, 'signInto' | 'signForKeys' | 'signBatch'>;
  readonly #tags = new Uint8Array(BATCH_SIGNATURES_MAX * SIGNATURE_BYTES);

  constructor(core: Pick<RelayCore, 'signInto' | 'signForKeys' | 'signBatch'>) {
    this.#core = core;
  }

  /** Signs and hands over all of them, in their order. */
  signEach<Item extends Outgoing>(outgoing: readonly Item[], handOver: HandOver<Item>): void {
    const [only] = outgoing;
    // Most frames have one receiver: nothing is gathered for it.
    if (only !== undefined && outgoing.length === 1) {
      this.#signOne(only, only.frame.bytes, handOver);
      return;
    }
    for (let from = 0; from < outgoing.length; from += BATCH_SIGNATURES_MAX) {
      const round = outgoing.slice(from, from + BATCH_SIGNATURES_MAX);
      const isOneFrame = round.every(({ frame }) => frame === round[0]?.frame);
      if (round.length < (isOneFrame ? SAME_FRAME_BATCH_MIN : MIXED_BATCH_MIN))
        this.#oneByOne(round, handOver);
      else this.#together(round, isOneFrame, handOver);
    }
  }

  #oneByOne<Item extends Outgoing>(round: readonly Item[], handOver: HandOver<Item>): void {
    for (const [index, item] of round.entries()) this.#signOne(item, bytesFor(round, index), handOver);
  }

  #signOne<Item extends Outgoing>(item: Item, bytes: Uint8Array, handOver: HandOver<Item>): void {
    const { signedBytes, signatureStart } = item.frame;
    this.#core.signInto(item.signingKey, signedBytes, bytes, signatureStart);
    handOver(item, bytes);
  }

  #together<Item extends Outgoing>(
    round: readonly Item[],
    isOneFrame: boolean,
    handOver: HandOver<Item>,
  ): void {
    const keys = round.map(({ signingKey }) => signingKey);
    const messages = round.map(({ frame }) => frame.signedBytes);
    const [message] = messages;
    if (isOneFrame && message !== undefined) this.#core.signForKeys(message, keys, this.#tags);
    else this.#core.signBatch(keys, messages, this.#tags);
    // A copy, because handing over may lead to another frame being signed.
    const tags = this.#tags.slice(0, round.length * SIGNATURE_BYTES);
    for (const [index, item] of round.entries()) {
      const bytes = bytesFor(round, index);
      const tag = tags.subarray(index * SIGNATURE_BYTES, (index + 1) * SIGNATURE_BYTES);
      bytes.set(tag, item.frame.signatureStart);
      handOver(item, bytes);
    }
  }
}

/** The frame's own bytes for the last of those who share it, a copy for the others. */
function bytesFor(round: readonly Outgoing[], index: number): Uint8Array {
  const { frame } = round[index] as Outgoing;
  const next = round[index + 1];
  // The next round may go on with the last frame of a full one.
  const mayBeShared = next === undefined ? round.length === BATCH_SIGNATURES_MAX : next.frame === frame;
  return mayBeShared ? copyOfFrame(frame) : frame.bytes;
}
