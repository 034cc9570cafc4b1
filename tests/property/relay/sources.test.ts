import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW_NONCES } from '../../../proto/index.ts';
import { DeliverySession } from '../../../server/domains/relay/delivery-session.ts';
import { Sources } from '../../../server/domains/relay/sources.ts';
import type { Peer, StoredFrame } from '../../../server/domains/relay/types.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { PlainWindow } from '../../support/plain-window.ts';
import { testMembership, testPeer } from '../../support/relay-peer.ts';

const DEVICES = [1, 2] as const;
const deviceIdOf = (device: number) => asId<DeviceId>(uuid(device));
const isOurFault = (error: unknown) => error === 'ours';

/** What happens to the sources of a node, one after the other. `which` chooses among what there is. */
type Step =
  | { readonly kind: 'connect' | 'disconnect' | 'forget'; readonly device: number }
  | {
      readonly kind: 'frame';
      readonly device: number;
      readonly nonce: number;
      readonly id: number;
      readonly isStored: boolean;
    }
  | { readonly kind: 'again'; readonly which: number }
  | { readonly kind: 'settle'; readonly which: number; readonly fate: 'kept' | 'ours' | 'theirs' }
  | { readonly kind: 'save'; readonly isSaved: boolean }
  | { readonly kind: 'crash' };

const device = fc.constantFrom(...DEVICES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('frame' as const),
      device,
      nonce: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 1_040 }) },
      ),
      id: fc.nat(5),
      isStored: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(30) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(30),
      fate: fc.constantFrom('kept' as const, 'ours' as const, 'theirs' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('connect' as const, 'disconnect' as const), device }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('save' as const), isSaved: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), device }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
);

interface ModelFrame {
  readonly device: number;
  readonly id: number;
  readonly nonce: number;
  readonly isStored: boolean;
}

/** A STORED frame that was accepted; its promise is settled by a later step. */
interface UnderWay extends ModelFrame {
  readonly settle: (fate: 'kept' | 'ours' | 'theirs') => void;
  readonly over: Promise<unknown>;
}

/** The real `Sources` beside plain windows: what the node knows, and what is saved. */
class Story {
  readonly #saved = new Map<number, PlainWindow>();
  readonly #connected = new Map<number, Peer>();
  readonly #accepted: ModelFrame[] = [];
  /** Frames that were kept, as `device/nonce`: none of them is ever new again. */
  readonly #kept = new Set<string>();
  readonly #known = new Map<number, PlainWindow>();
  #underWay: UnderWay[] = [];
  #sources = this.#begin();
  #peers = 0;

  async carryOut(step: Step): Promise<void> {
    if (step.kind === 'connect') await this.#connect(step.device);
    else if (step.kind === 'disconnect') this.#disconnect(step.device);
    else if (step.kind === 'frame') this.#frame(step);
    else if (step.kind === 'again') this.#again(step.which);
    else if (step.kind === 'settle') await this.#settle(step.which, step.fate);
    else if (step.kind === 'save') this.#save(step.isSaved);
    else if (step.kind === 'forget') this.#forget(step.device);
    else this.#crash();
  }

  #begin(): Sources {
    return new Sources({
      findNonces: async (id) => this.#savedOf(DEVICES.find((device) => deviceIdOf(device) === id)).content(),
    });
  }

  #savedOf(device = 0): PlainWindow {
    const saved = this.#saved.get(device) ?? new PlainWindow();
    this.#saved.set(device, saved);
    return saved;
  }

  async #connect(device: number): Promise<void> {
    if (this.#connected.has(device)) return;
    const actor = { ...testPeer.actor, deviceId: deviceIdOf(device) };
    const peer = { ...testPeer, actor, number: ++this.#peers };
    await this.#sources.connect(peer);
    this.#connected.set(device, peer);
    const known = this.#known.get(device) ?? new PlainWindow();
    if (!this.#known.has(device)) known.add(this.#savedOf(device).content());
    this.#known.set(device, known);
    // However often it leaves and comes back: the node still knows what it used.
    expect(this.#sources.lastNonce(peer)).toBe(known.last);
  }

  #disconnect(device: number): void {
    const peer = this.#connected.get(device);
    if (peer) this.#sources.disconnect(peer);
    this.#connected.delete(device);
  }

  #frame(frame: ModelFrame): void {
    const peer = this.#connected.get(frame.device);
    const known = this.#known.get(frame.device);
    if (peer === undefined || known === undefined) return;
    const isUsed = known.isUsed(frame.nonce);
    const isNew = known.use(frame.nonce);
    const state = this.#sources.useNonce(peer, frame.nonce);
    expect(state).toBe(isUsed ? 'used' : isNew ? 'new' : 'too old');
    const isUnderWay = this.#underWay.some(
      ({ device, nonce, id }) => device === frame.device && nonce === frame.nonce && id === frame.id,
    );
    const identity = { id: uuid(frame.id), nonce: frame.nonce };
    expect(this.#sources.findUnderWay(peer, identity) !== null).toBe(isUnderWay);
    if (!isNew) return;
    expect(this.#kept.has(`${frame.device}/${frame.nonce}`)).toBe(false);
    this.#accepted.push(frame);
    if (frame.isStored) this.#keep(peer, frame);
  }

  /** The same bytes once more. */
  #again(which: number): void {
    const frame = this.#accepted[which % Math.max(1, this.#accepted.length)];
    if (frame) this.#frame(frame);
  }

  #keep(peer: Peer, frame: ModelFrame): void {
    let settle: UnderWay['settle'] = () => {};
    const stored = new Promise<number>((resolve, reject) => {
      settle = (fate) => (fate === 'kept' ? resolve(1) : reject(fate));
    });
    const identity = { id: uuid(frame.id), nonce: frame.nonce };
    const over = this.#sources.keep(peer, identity, stored, isOurFault).catch(() => {});
    this.#underWay.push({ ...frame, settle, over });
  }

  async #settle(which: number, fate: 'kept' | 'ours' | 'theirs'): Promise<void> {
    const frame = this.#underWay[which % Math.max(1, this.#underWay.length)];
    if (frame === undefined) return;
    this.#underWay = this.#underWay.filter((other) => other !== frame);
    const { device, nonce } = frame;
    // As the transaction of a STORED frame does.
    if (fate !== 'ours') this.#savedOf(device).use(nonce);
    if (fate === 'kept') this.#kept.add(`${device}/${nonce}`);
    frame.settle(fate);
    await frame.over;
    if (fate === 'ours') this.#known.get(device)?.release(nonce);
  }

  /** What is saved never says of a STORED frame on its way, or of one that may come again, that it was used; of all others it does. */
  #save(isSaved: boolean): void {
    const unsaved = this.#sources.takeUnsaved();
    for (const [device, known] of this.#known) {
      const saved = new PlainWindow();
      saved.add(this.#savedOf(device).content());
      for (const taken of unsaved) if (taken.deviceId === deviceIdOf(device)) saved.add(taken);
      for (let nonce = known.last; nonce > known.last - REPLAY_WINDOW_NONCES; nonce--) {
        const isOpen = this.#underWay.some((frame) => frame.device === device && frame.nonce === nonce);
        if (saved.isUsed(nonce) !== (known.isUsed(nonce) && !isOpen)) {
          throw new Error(`${nonce} of device ${device} is ${isOpen ? 'open' : 'over'}, and saved wrongly`);
        }
      }
    }
    if (!isSaved) return;
    for (const taken of unsaved) {
      this.#savedOf(DEVICES.find((device) => deviceIdOf(device) === taken.deviceId)).add(taken);
      taken.saved();
    }
  }

  #forget(device: number): void {
    this.#disconnect(device);
    this.#sources.forget(deviceIdOf(device));
    this.#saved.delete(device);
    this.#known.delete(device);
    for (const frame of this.#kept) if (frame.startsWith(`${device}/`)) this.#kept.delete(frame);
    this.#underWay = this.#underWay.filter((frame) => frame.device !== device);
  }

  /** What was in memory only is gone. */
  #crash(): void {
    this.#connected.clear();
    this.#underWay = [];
    this.#known.clear();
    this.#sources = this.#begin();
  }
}

describe('the sources of frames', () => {
  it('use each nonce once, but for frames that the node failed to keep, and save the use of none of those', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const story = new Story();
        for (const each of DEVICES) await story.carryOut({ kind: 'connect', device: each });
        for (const next of steps) await story.carryOut(next);
      }),
      {
        numRuns: 500,
        // One frame twice under way, signed anew, of which the later one ends first.
        examples: [
          [
            [
              { kind: 'frame', device: 1, nonce: 1, id: 4, isStored: true },
              { kind: 'frame', device: 1, nonce: 2, id: 4, isStored: true },
              { kind: 'settle', which: 1, fate: 'theirs' },
              { kind: 'save', isSaved: true },
            ],
          ],
        ],
      },
    );
  });
});

/** What happens to a stream and to the one who reads it. */
const reading = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      isOffered: fc.boolean(),
      isMine: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'page' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'page fails' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), back: fc.nat(3) }) },
);
type Reading = typeof reading extends fc.Arbitrary<infer T> ? T : never;

/** A delivery session on a stream whose pages come when a step says so. */
class SlowReader {
  readonly windowFrames: number;
  readonly delivered: number[] = [];
  /** Offsets of the stream that are for this device. */
  readonly mine: number[] = [];
  readonly session: DeliverySession;
  readonly #clock = new FakeClock();
  #head = 0;
  #acknowledged = 0;
  #pages: { readonly answer: () => void; readonly fail: () => void }[] = [];

  constructor(windowFrames: number) {
    this.windowFrames = windowFrames;
    this.session = new DeliverySession(
      {
        id: uuid(1),
        peer: testPeer,
        membership: testMembership,
        channel: { windowFrames, deliver: (_, streamOffset) => this.delivered.push(streamOffset) > 0 },
        startOffset: 0,
      },
      {
        store: { readPage: (_tenant, _device, after, limit) => this.#readPage(after, limit) },
        clock: this.#clock,
        logger: silentLogger,
        metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
        signAndSend: (session, frames) => {
          for (const { content, streamOffset } of frames) session.send(content, streamOffset);
        },
      },
    );
    this.session.start();
  }

  async carryOut(step: Reading): Promise<void> {
    if (step.kind === 'append') this.#append(step.isOffered, step.isMine);
    else if (step.kind === 'page') this.#pages.shift()?.answer();
    else if (step.kind === 'page fails') this.#pages.shift()?.fail();
    else this.#acknowledge(step.back);
    await turn(1);
    if (step.kind === 'page fails') {
      this.#clock.advance(60_000);
      await turn(1);
    }
    const unacknowledged = this.delivered.filter((offset) => offset > this.#acknowledged);
    expect(unacknowledged.length).toBeLessThanOrEqual(this.windowFrames);
    expect(this.delivered).toEqual(this.mine.slice(0, this.delivered.length));
  }

  /** The reader takes everything, and the database answers. */
  async catchUp(): Promise<void> {
    this.session.readAgain();
    for (let round = 0; round < 2 * this.mine.length + 4; round++) {
      this.#acknowledge(0);
      for (const page of this.#pages.splice(0)) page.answer();
      await turn(1);
    }
  }

  /** What another node stored, or a lost message tells nothing of, is not offered. */
  #append(isOffered: boolean, isMine: boolean): void {
    const streamOffset = ++this.#head;
    if (!isMine) return;
    this.mine.push(streamOffset);
    const content = Uint8Array.of(1);
    if (!isOffered) this.session.readAgain();
    else if (this.session.take({ streamOffset, content })) this.session.send(content, streamOffset);
  }

  #acknowledge(back: number): void {
    const offset = this.delivered.at(-1 - back);
    if (offset === undefined) return;
    this.#acknowledged = Math.max(this.#acknowledged, offset);
    expect(this.session.acknowledge(offset)).toBe(true);
    expect(this.session.acknowledge((this.delivered.at(-1) ?? 0) + 1)).toBe(false);
  }

  /** A page as the stream was when it was asked for, given when a step says so. */
  #readPage(after: number, limit: number): Promise<readonly StoredFrame[]> {
    const page = this.mine
      .filter((offset) => offset > after)
      .slice(0, limit)
      .map((streamOffset) => ({ streamOffset, content: Uint8Array.of(1) }));
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error('the database is gone'));
      this.#pages.push({ answer: () => resolve(page), fail });
    });
  }
}

describe('a slow receiver', () => {
  it('gets every frame that is for it once, in order, within its window, whatever is offered and however pages come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(reading, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, windowFrames) => {
          const reader = new SlowReader(windowFrames);
          for (const next of steps) await reader.carryOut(next);
          await reader.catchUp();
          expect(reader.delivered).toEqual(reader.mine);
        },
      ),
      { numRuns: 300 },
    );
  });
});
