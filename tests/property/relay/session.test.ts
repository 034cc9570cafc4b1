import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Delivery, type FrameHeaderInit, REPLAY_WINDOW_NONCES } from '../../../proto/index.ts';
import { turn } from '../../support/clock.ts';
import {
  type ChannelName,
  createMessagingWorld,
  frameOf,
  type TestDevice,
} from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import { RelayStoreInMemory } from '../../support/relay-store.ts';

const [SENDER, READER] = [31, 32];

/** What becomes of bytes on their way: all three but the first leave their sender without an answer. */
type Fate = 'kept' | 'refused' | 'answer lost' | 'lost on the way';

/** What happens, one after the other. `which` chooses among what there is. */
type Step =
  | { readonly kind: 'send'; readonly fate: Fate; readonly skipped: number }
  | { readonly kind: 'send again'; readonly which: number; readonly fate: Fate }
  | { readonly kind: 'repeat'; readonly which: number }
  | { readonly kind: 'send transient' | 'repeat transient' }
  | { readonly kind: 'acknowledge' | 'reader leaves' | 'sender leaves' | 'save' | 'server dies' };

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Fate>('kept') },
  { weight: 3, arbitrary: fc.constantFrom<Fate>('refused', 'answer lost', 'lost on the way') },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      fate,
      // A client that begins anew leaves a gap, often one that is wider than the window.
      skipped: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(1_200) }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('send again' as const), which: fc.nat(50), fate }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat' as const), which: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('send transient' as const, 'repeat transient' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'acknowledge' as const,
        'reader leaves' as const,
        'sender leaves' as const,
        'save' as const,
        'server dies' as const,
      ),
    }),
  },
);

interface Sent {
  readonly id: string;
  readonly nonce: number;
  readonly bytes: Uint8Array;
}

/** A sender and a reader over one channel, through servers that die and connections that end. */
class Story {
  readonly store = new RelayStoreInMemory();
  readonly sent: Sent[] = [];
  readonly acknowledged = new Set<Sent>();
  /** Offsets as each connection of the reader got them. */
  readonly read: number[][] = [];
  readonly #channel: ChannelName;
  readonly #transient: Sent[] = [];
  /** TRANSIENT frames whose use a crash would forget. */
  #unsaved = new Set<Sent>();
  /** TRANSIENT frames that were heard since a crash could have forgotten them. */
  readonly #heard = new Set<string>();
  // Far above the nonces of a device's HELLO and ACK.
  #lastNonce = 1_000_000;
  #world = createMessagingWorld(this.store);
  #sender: TestDevice | null = null;
  #reader: TestDevice | null = null;

  constructor(channel: ChannelName) {
    this.#channel = channel;
  }

  async carryOut(step: Step): Promise<void> {
    await this.#connectedReader();
    if (step.kind === 'send') await this.#send(step.fate, step.skipped);
    else if (step.kind === 'send again') await this.#sendAgain(step.which, step.fate);
    else if (step.kind === 'repeat') await this.#repeat(step.which);
    else if (step.kind === 'send transient') await this.#sendTransient();
    else if (step.kind === 'repeat transient') await this.#repeatTransient();
    else if (step.kind === 'acknowledge') await (await this.#connectedReader()).acknowledge();
    else if (step.kind === 'reader leaves') this.#reader?.leave();
    else if (step.kind === 'sender leaves') this.#sender?.leave();
    else if (step.kind === 'save') await this.#save();
    else this.#die();
    await turn(3);
  }

  /** The sender's outbox empties, and a reader that comes back and stays reads all that is stored. */
  async finish(): Promise<void> {
    for (let which = 0; which < this.sent.length; which++) {
      const frame = this.sent[which];
      if (frame !== undefined && !this.acknowledged.has(frame)) await this.#transmit(frame, 'kept');
    }
    const reader = await this.#connectedReader();
    for (let round = 0; round < 10; round++) {
      await reader.acknowledge();
      await turn(3);
    }
    reader.leave();
    this.#noteRead();
  }

  /** True: the frame's nonce has left the window for good. */
  isTooOld({ nonce }: Sent): boolean {
    const kept = this.sent.filter((frame) => this.isStored(frame)).map((frame) => frame.nonce);
    return nonce <= Math.max(0, ...kept) - REPLAY_WINDOW_NONCES;
  }

  isStored({ id }: Sent): boolean {
    return this.store.frames.some(({ frameId }) => frameId === id);
  }

  async #connectedSender(): Promise<TestDevice> {
    if (this.#sender?.isOpen !== true) this.#sender = await this.#world.connect(this.#channel, SENDER);
    return this.#sender;
  }

  async #connectedReader(): Promise<TestDevice> {
    if (this.#reader?.isOpen === true) return this.#reader;
    this.#noteRead();
    this.#reader = await this.#world.connect(this.#channel, READER);
    return this.#reader;
  }

  #next(skipped: number, changes: Partial<FrameHeaderInit> = {}): Sent {
    this.#lastNonce += 1 + skipped;
    const id = uuid(100_000 * SENDER + this.#lastNonce);
    return { id, nonce: this.#lastNonce, bytes: frameOf(SENDER, this.#lastNonce, { id, ...changes }) };
  }

  async #send(fate: Fate, skipped: number): Promise<void> {
    const frame = this.#next(skipped);
    this.sent.push(frame);
    await this.#transmit(frame, fate);
  }

  /** An outbox sends again, as it is, what was not acknowledged, after others or before. */
  async #sendAgain(which: number, fate: Fate): Promise<void> {
    const waiting = this.sent.filter((frame) => !this.acknowledged.has(frame));
    const frame = waiting[which % Math.max(1, waiting.length)];
    if (frame !== undefined) await this.#transmit(frame, fate);
  }

  async #transmit(frame: Sent, fate: Fate): Promise<boolean> {
    const sender = await this.#connectedSender();
    if (fate === 'lost on the way') return false;
    const isTooOld = this.isTooOld(frame);
    const wasStored = this.isStored(frame);
    this.store.fate = () => fate;
    const isAcknowledged = await sender.send(frame.bytes);
    await turn(3);
    this.store.fate = () => 'kept';
    if (isAcknowledged) this.acknowledged.add(frame);
    expect(isAcknowledged && (isTooOld || !this.isStored(frame))).toBe(false);
    if (isTooOld) expect(this.isStored(frame)).toBe(wasStored);
    return isAcknowledged;
  }

  /** Somebody plays back what the device has sent before, and was told of: it is told again, and nothing else happens. */
  async #repeat(which: number): Promise<void> {
    const known = this.sent.filter((frame) => this.acknowledged.has(frame));
    const frame = known[which % Math.max(1, known.length)];
    if (frame === undefined) return;
    const before = this.store.frames.length;
    await this.#transmit(frame, 'kept');
    expect(this.store.frames.length).toBe(before);
  }

  async #sendTransient(): Promise<void> {
    const frame = this.#next(0, { delivery: Delivery.TRANSIENT });
    this.#transient.push(frame);
    this.#unsaved.add(frame);
    await this.#transmitTransient(frame);
    expect(this.#heard.has(frame.id)).toBe(true);
  }

  /** A TRANSIENT frame is heard once, but for a crash before its use was saved. */
  async #repeatTransient(): Promise<void> {
    const frame = this.#transient.at(-1);
    if (frame !== undefined) await this.#transmitTransient(frame);
  }

  async #transmitTransient(frame: Sent): Promise<void> {
    const reader = await this.#connectedReader();
    const before = reader.received.length;
    await (await this.#connectedSender()).send(frame.bytes);
    await turn(3);
    for (const { header } of reader.received.slice(before)) {
      if (header.id !== frame.id) continue;
      expect(this.#heard.has(frame.id)).toBe(false);
      this.#heard.add(frame.id);
    }
  }

  async #save(): Promise<void> {
    await this.#world.relay.saveProgress();
    this.#unsaved.clear();
  }

  /** What was in memory only is gone. */
  #die(): void {
    for (const { id } of this.#unsaved) this.#heard.delete(id);
    this.#unsaved.clear();
    this.#sender = null;
    this.#noteRead();
    this.#reader = null;
    this.#world = createMessagingWorld(this.store);
  }

  #noteRead(): void {
    if (this.#reader === null) return;
    this.read.push(
      this.#reader.received.flatMap(({ streamOffset }) => (streamOffset === 0 ? [] : [streamOffset])),
    );
    this.#reader = null;
  }
}

it.each<ChannelName>(['WebSocket', 'MQTT'])(
  'over %s every acknowledged frame is delivered once, in one order, however frames overtake each other, and no replay is kept',
  async (channel) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const story = new Story(channel);
        for (const next of steps) await story.carryOut(next);
        await story.finish();
        const stored = story.store.frames;
        const ids = stored.map(({ frameId }) => frameId);
        expect(new Set(ids).size).toBe(ids.length);
        for (const frame of story.sent) {
          // An outbox that goes on sending gets rid of everything that hasn't left the window.
          expect(story.acknowledged.has(frame) || story.isTooOld(frame)).toBe(true);
          if (story.acknowledged.has(frame)) expect(ids).toContain(frame.id);
        }
        // Each connection of the reader gets the stream without a hole; together they got all of it.
        for (const offsets of story.read) {
          expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index));
        }
        const delivered = new Set(story.read.flat());
        expect([...delivered].sort((a, b) => a - b)).toEqual(stored.map(({ streamOffset }) => streamOffset));
      }),
      { numRuns: 60 },
    );
  },
  60_000,
);
