import type {
  DeltaMessage,
  ProviderLink,
  ProviderOrder,
  ResultMessage,
} from '../../../server/domains/providers/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { asId, type DeviceId, type TenantId, type TransactionId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { uuid } from '../../support/frames.ts';
import type { MarketProcess } from '../../support/market-process.ts';
import type { Surroundings } from './surroundings.ts';

/** What a device does with a request that it was given. */
const MISHAPS = ['fails', 'fails midway', 'falls silent', 'miscounts', 'ends twice', 'goes on'] as const;
type Plan = 'answers' | (typeof MISHAPS)[number];

/** Says what the server refuses, and goes on: a device that breaks the protocol harms only itself. */
function say(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

/** One connection of a device with one server process, through a network that delays, drops, reorders and cuts. */
export class Link implements ProviderLink {
  readonly server: MarketProcess;
  /** Requests that the server has given to it and not taken back: they fill its slots. */
  readonly outstanding = new Set<string>();
  readonly #device: Device;
  readonly #world: Surroundings;
  readonly #lastDueMs = { up: 0, down: 0 };
  /** Answers whose end the server got. */
  readonly #ended = new Set<string>();
  #isCut = false;

  constructor(device: Device, server: MarketProcess, world: Surroundings) {
    this.#device = device;
    this.server = server;
    this.#world = world;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  request(order: ProviderOrder): boolean {
    const { outstanding } = this;
    if (this.#isCut && this.#world.chance.happens(0.5)) return false;
    this.#world.expect(!outstanding.has(order.requestId), 'a request is given to its device once');
    outstanding.add(order.requestId);
    this.#world.noteAsked(this.#nameOf(order.requestId), order);
    const { slots } = this.#device;
    this.#world.expect(outstanding.size <= slots, `no provider has more than its ${slots} slots`);
    this.#transmit('down', () => this.#device.receive(order, this));
    return true;
  }

  grant(requestId: TransactionId, bytes: number): boolean {
    this.#transmit('down', () => this.#device.credit(requestId, bytes));
    // The server takes a provider that it can't reach for gone.
    if (this.#isCut) this.outstanding.delete(requestId);
    return !this.#isCut;
  }

  cancel(requestId: TransactionId): boolean {
    this.outstanding.delete(requestId);
    this.#transmit('down', () => this.#device.stop(requestId));
    return !this.#isCut;
  }

  sendDelta(message: DeltaMessage): void {
    this.#transmit('up', () =>
      say(() => {
        const name = this.#nameOf(message.requestId);
        if (!this.#ended.has(name)) this.#world.noteReceived(name, message);
        this.server.providers.delta(this.#device.actor, message);
      }),
    );
  }

  sendResult(message: ResultMessage): void {
    this.#transmit('up', () =>
      say(() => {
        this.outstanding.delete(message.requestId);
        this.#ended.add(this.#nameOf(message.requestId));
        this.server.providers.result(this.#device.actor, message);
      }),
    );
  }

  sendSignOfLife(requestId: string): void {
    this.#transmit('up', () => say(() => this.server.providers.alive(this.#device.actor, { requestId })));
  }

  /** Offers, again and again until it is listed. */
  offer(): void {
    const { actor, slots, priceCents } = this.#device;
    const models = [{ name: 'm', prices: priceCents, contextTokens: 100_000, continuesAnswers: true }];
    let isListed = false;
    this.#transmit('up', () => {
      const listed = this.server.providers.offer(actor, this, { slots, models });
      void listed.then(
        () => {
          isListed = true;
        },
        () => undefined,
      );
    });
    this.#world.clock.after(10_000, () => {
      if (!isListed && !this.#isCut && this.server.isAlive) this.offer();
    });
  }

  /** Both ends learn of it at times of their own. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    const { clock, chance } = this.#world;
    clock.after(chance.between(0, 4_000), () => {
      if (!this.server.isAlive) return;
      this.outstanding.clear();
      this.server.providers.disconnected(this.#device.actor.deviceId, this);
    });
    clock.after(chance.between(0, 4_000), () => this.#device.connectionLost(this));
  }

  #nameOf(requestId: string): string {
    return `${this.#device.actor.deviceId}/${requestId}`;
  }

  #transmit(direction: 'up' | 'down', work: () => void): void {
    const { clock, chance, isCalm } = this.#world;
    if (this.#isCut || !this.server.isAlive) return;
    if (!isCalm && chance.happens(0.002)) {
      this.cut();
      return;
    }
    if (!isCalm && chance.happens(0.004)) return;
    const earliestMs = clock.nowMs() + chance.between(1, 40);
    const isReordered = !isCalm && chance.happens(0.004);
    const dueMs = isReordered ? earliestMs : Math.max(earliestMs, this.#lastDueMs[direction]);
    this.#lastDueMs[direction] = Math.max(dueMs, this.#lastDueMs[direction]);
    clock.after(dueMs - clock.nowMs(), () => {
      if (!this.#isCut && this.server.isAlive) work();
    });
  }
}

/** A provider's device: it answers, fails, or breaks the protocol, as chance has it. */
export class Device {
  readonly actor: DeviceActor;
  readonly slots: number;
  readonly priceCents: number;
  readonly #world: Surroundings;
  readonly #pieceMs: number;
  readonly #mishaps: number;
  #link: Link | null = null;
  readonly #credit = new Map<string, number>();

  constructor(number: number, priceCents: number, world: Surroundings) {
    const { chance } = world;
    const tenantId = asId<TenantId>(uuid(900 + number));
    this.actor = {
      kind: 'device',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId,
      deviceId: asId<DeviceId>(uuid(800 + number)),
    };
    this.priceCents = priceCents;
    this.slots = chance.whole(1, 3);
    this.#pieceMs = chance.between(20, 400);
    this.#mishaps = chance.oneOf([0.05, 0.15, 0.5]);
    this.#world = world;
  }

  get link(): Link | null {
    return this.#link;
  }

  /** Connects with whatever server is there, now or later. */
  connect(): void {
    const { server, clock } = this.#world;
    if (!server?.isReady) {
      clock.after(500, () => this.connect());
      return;
    }
    this.#link = new Link(this, server, this.#world);
    this.#link.offer();
  }

  connectionLost(link: Link): void {
    if (this.#link !== link) return;
    this.#link = null;
    this.#credit.clear();
    this.connect();
  }

  receive(order: ProviderOrder, link: Link): void {
    const { chance, isCalm } = this.#world;
    this.#credit.set(order.requestId, order.creditBytes);
    const plan: Plan = !isCalm && chance.happens(this.#mishaps) ? chance.oneOf(MISHAPS) : 'answers';
    const pieces = chance.happens(0.05) ? 0 : chance.whole(1, 12);
    // Large pieces count against the credit as what they stand for.
    const pieceBytes = chance.happens(0.2) ? 200_000 : 20;
    this.#later(() => this.#answer(order, link, { plan, pieces, pieceBytes, index: 0 }));
  }

  credit(requestId: string, bytes: number): void {
    const left = this.#credit.get(requestId);
    if (left !== undefined) this.#credit.set(requestId, left + bytes);
  }

  stop(requestId: string): void {
    this.#credit.delete(requestId);
  }

  #later(work: () => void): void {
    const { clock, chance } = this.#world;
    clock.after(this.#pieceMs * chance.between(0.5, 1.5), work);
  }

  #answer(
    order: ProviderOrder,
    link: Link,
    state: { readonly plan: Plan; readonly pieces: number; readonly pieceBytes: number; index: number },
  ): void {
    const { requestId } = order;
    const { plan, pieces, pieceBytes } = state;
    const credit = this.#credit.get(requestId);
    if (credit === undefined || this.#link !== link) return;
    const isMidway = state.index >= pieces / 2;
    if (plan === 'fails' || (plan === 'fails midway' && isMidway)) this.#fail(requestId, link);
    else if (plan === 'falls silent' && isMidway) return;
    else if (state.index === pieces) this.#end(order, link, state);
    else {
      if (credit >= pieceBytes) this.#sendPiece(requestId, link, state);
      else link.sendSignOfLife(requestId);
      this.#later(() => this.#answer(order, link, state));
    }
  }

  #sendPiece(
    requestId: string,
    link: Link,
    state: { readonly plan: Plan; readonly pieces: number; readonly pieceBytes: number; index: number },
  ): void {
    this.credit(requestId, -state.pieceBytes);
    const text = `${requestId.slice(0, 8)} ${state.index} of device ${this.actor.deviceId.slice(-3)}. `;
    const isWrong = state.plan === 'miscounts' && state.index >= state.pieces / 2;
    const index = state.index++ + (isWrong ? 1 : 0);
    link.sendDelta({ requestId, index, delta: { fields: { content: text }, text, bytes: state.pieceBytes } });
  }

  #fail(requestId: string, link: Link): void {
    const error = { fault: 'provider', reason: 'out of memory', status: 500, param: null } as const;
    link.sendResult({ requestId, finishReason: '', claim: null, error });
    this.stop(requestId);
  }

  #end({ requestId, completionTokensMax }: ProviderOrder, link: Link, state: { readonly plan: Plan }): void {
    const { chance } = this.#world;
    const completionTokens = chance.oneOf([0, 5, completionTokensMax ?? 5_000, 100_000]);
    const promptTokens = chance.whole(0, 2_000);
    const claim = { promptTokens, cachedPromptTokens: 0, completionTokens, reasoningTokens: 0 };
    const result = {
      requestId,
      finishReason: 'stop',
      claim: chance.happens(0.3) ? null : claim,
      error: null,
    };
    link.sendResult(result);
    if (state.plan === 'ends twice') link.sendResult(result);
    const late = { fields: { content: 'late' }, text: 'late', bytes: 4 };
    if (state.plan === 'goes on') link.sendDelta({ requestId, index: 99, delta: late });
    this.stop(requestId);
  }
}
