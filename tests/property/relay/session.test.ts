import fc from 'fast-check';
import { expect, it } from 'vitest';
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

/** What happens, one after the other. */
type Step =
  | { readonly kind: 'send'; readonly fate: 'kept' | 'refused' | 'answer lost' }
  | { readonly kind: 'repeat'; readonly which: number }
  | { readonly kind: 'acknowledge' | 'reader leaves' | 'sender leaves' | 'server dies' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      fate: fc.constantFrom('kept' as const, 'kept' as const, 'refused' as const, 'answer lost' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat' as const), which: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'acknowledge' as const,
        'reader leaves' as const,
        'sender leaves' as const,
        'server dies' as const,
      ),
    }),
  },
);

/** A sender and a reader over one channel, through servers that die and connections that end. */
class Story {
  readonly store = new RelayStoreInMemory();
  readonly sent: Uint8Array[] = [];
  readonly acknowledged = new Set<number>();
  /** Offsets as each connection of the reader got them. */
  readonly read: number[][] = [];
  readonly #channel: ChannelName;
  #world = createMessagingWorld(this.store);
  #sender: TestDevice | null = null;
  #reader: TestDevice | null = null;

  constructor(channel: ChannelName) {
    this.#channel = channel;
  }

  async sender(): Promise<TestDevice> {
    if (this.#sender?.isOpen !== true) this.#sender = await this.#world.connect(this.#channel, SENDER);
    return this.#sender;
  }

  async reader(): Promise<TestDevice> {
    if (this.#reader?.isOpen === true) return this.#reader;
    this.#noteRead();
    this.#reader = await this.#world.connect(this.#channel, READER);
    return this.#reader;
  }

  async carryOut(step: Step): Promise<void> {
    await this.reader();
    if (step.kind === 'send') await this.#send(step.fate);
    else if (step.kind === 'repeat') await this.#repeat(step.which);
    else if (step.kind === 'acknowledge') await (await this.reader()).acknowledge();
    else if (step.kind === 'reader leaves') this.#reader?.leave();
    else if (step.kind === 'sender leaves') this.#sender?.leave();
    else this.#die();
    await turn(3);
  }

  /** All that is stored, read by a reader that comes back and stays. */
  async finish(): Promise<void> {
    const reader = await this.reader();
    for (let round = 0; round < 10; round++) {
      await reader.acknowledge();
      await turn(3);
    }
    reader.leave();
    this.#noteRead();
  }

  async #send(fate: 'kept' | 'refused' | 'answer lost'): Promise<void> {
    const number = this.sent.length;
    // Far above the nonces of a device's HELLO and ACK.
    this.sent.push(frameOf(SENDER, 1_000_000 + number));
    await this.#transmit(number, fate);
    // An outbox sends again, as it is, what was not acknowledged, before it goes on.
    for (let again = 0; again < 3 && !this.acknowledged.has(number); again++) {
      await this.#transmit(number, again === 0 ? fate : 'kept');
    }
  }

  async #transmit(number: number, fate: 'kept' | 'refused' | 'answer lost'): Promise<void> {
    const bytes = this.sent[number];
    if (bytes === undefined) return;
    const sender = await this.sender();
    this.store.fate = () => fate;
    const isAcknowledged = await sender.send(bytes);
    await turn(3);
    this.store.fate = () => 'kept';
    if (isAcknowledged) this.acknowledged.add(number);
  }

  /** Somebody plays back what the device has sent before. */
  async #repeat(which: number): Promise<void> {
    const bytes = this.sent[which % Math.max(1, this.sent.length)];
    if (bytes === undefined) return;
    const before = this.store.frames.length;
    await (await this.sender()).send(bytes);
    await turn(3);
    expect(this.store.frames.length).toBe(before);
  }

  /** What was in memory only is gone. */
  #die(): void {
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
  'over %s every acknowledged frame is delivered, in one order, and no replay is kept',
  async (channel) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const story = new Story(channel);
        for (const next of steps) await story.carryOut(next);
        await story.finish();
        const stored = story.store.frames;
        const ids = stored.map(({ frameId }) => frameId);
        expect(new Set(ids).size).toBe(ids.length);
        for (const number of story.acknowledged) {
          expect(ids).toContain(uuid(100_000 * SENDER + 1_000_000 + number));
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
