import type {
  OfferInput,
  ProviderLink,
  ProviderOrder,
  ProviderService,
} from '../../../server/domains/providers/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import type { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';

/** How a machine computes, and what it says about itself. */
export interface MachineModel {
  /** By what the table calls it. */
  readonly kind: string;
  readonly priceCents: number;
  readonly slots: number;
  /** Left out: it says what it has. */
  readonly declaredSlots?: number;
  readonly firstTokenMs: number;
  readonly prefillMsPerToken: number;
  readonly tokenMs: number;
  /** When it connects; left out: at once. */
  readonly joinsAtMs?: number;
  /** From when on it isn't what it was, and until when. */
  readonly trouble?: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly slowness?: number;
    readonly failShare?: number;
  };
  /** Connects and leaves in turn, this long each. */
  readonly flapsEveryMs?: number;
}

const SIGN_OF_LIFE_EVERY_MS = 10_000;
const TOKENS_PER_PIECE = 20;
const CHARACTERS_PER_TOKEN = 4;

/** Twenty words that no other piece has, a token each. */
function textOf(index: number): string {
  const first = index * TOKENS_PER_PIECE;
  return Array.from({ length: TOKENS_PER_PIECE }, (_, at) => wordOf(first + at)).join('');
}

const wordOf = (number: number) => ` ${number.toString(36).padStart(CHARACTERS_PER_TOKEN - 1, 'x')}`;

/** What the world sees of a machine's work. */
export interface MachineWatcher {
  readonly clock: FakeClock;
  /** Tokens of the answer to a request. */
  lengthOf(requestId: string): number;
  fraction(): number;
}

/** A provider that only pretends to compute: with more requests than it has slots, they wait in it. */
export class Machine {
  readonly actor: DeviceActor;
  readonly model: MachineModel;
  servedTokens = 0;
  firstWorkAtMs: number | null = null;
  readonly #watcher: MachineWatcher;
  readonly #providers: ProviderService;
  readonly #queue: (() => void)[] = [];
  readonly #open = new Set<string>();
  #working = 0;
  #link: ProviderLink | null = null;

  constructor(number: number, model: MachineModel, providers: ProviderService, watcher: MachineWatcher) {
    this.actor = {
      kind: 'device',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId: asId<TenantId>(uuid(900_000 + number)),
      deviceId: asId<DeviceId>(uuid(800_000 + number)),
    };
    this.model = model;
    this.#providers = providers;
    this.#watcher = watcher;
  }

  /** Connects now or when it joins. */
  start(): void {
    this.#watcher.clock.after(this.model.joinsAtMs ?? 0, () => this.#connect());
  }

  #connect(): void {
    const link: ProviderLink = {
      request: (order) => {
        this.#take(order);
        return true;
      },
      grant: () => true,
      cancel: (requestId) => {
        this.#open.delete(requestId);
        return true;
      },
    };
    this.#link = link;
    const { priceCents, slots, declaredSlots, flapsEveryMs } = this.model;
    const models: OfferInput['models'] = [{ name: 'm', prices: priceCents, contextTokens: 200_000 }];
    void this.#providers.offer(this.actor, link, { slots: declaredSlots ?? slots, models });
    if (flapsEveryMs !== undefined) this.#watcher.clock.after(flapsEveryMs, () => this.#leave(flapsEveryMs));
  }

  #leave(awayMs: number): void {
    if (this.#link !== null) this.#providers.disconnected(this.actor.deviceId, this.#link);
    this.#link = null;
    this.#open.clear();
    this.#queue.length = 0;
    this.#working = 0;
    this.#watcher.clock.after(awayMs, () => this.#connect());
  }

  #take(order: ProviderOrder & { readonly promptTokens?: number }): void {
    this.firstWorkAtMs ??= this.#watcher.clock.nowMs();
    this.#open.add(order.requestId);
    const work = () => this.#work(order);
    this.#sayAlive(order.requestId, this.#link);
    if (this.#working < this.model.slots) work();
    else this.#queue.push(work);
  }

  /** As the provider's program does while its endpoint has nothing to say. */
  #sayAlive(requestId: string, link: ProviderLink | null): void {
    this.#watcher.clock.after(SIGN_OF_LIFE_EVERY_MS, () => {
      if (this.#link !== link || !this.#open.has(requestId)) return;
      this.#providers.alive(this.actor, { requestId });
      this.#sayAlive(requestId, link);
    });
  }

  #troubleOf(): { readonly slowness: number; readonly failShare: number } {
    const { trouble } = this.model;
    const nowMs = this.#watcher.clock.nowMs();
    if (trouble === undefined || nowMs < trouble.fromMs || nowMs >= trouble.toMs)
      return { slowness: 1, failShare: 0 };
    return { slowness: trouble.slowness ?? 1, failShare: trouble.failShare ?? 0 };
  }

  #work({ requestId, promptTokens = 0 }: ProviderOrder & { readonly promptTokens?: number }): void {
    const { clock } = this.#watcher;
    const { firstTokenMs, prefillMsPerToken, tokenMs } = this.model;
    this.#working++;
    const link = this.#link;
    const isHere = () => this.#link === link && this.#open.has(requestId);
    const tokens = this.#watcher.lengthOf(requestId);
    const willFail = this.#watcher.fraction() < this.#troubleOf().failShare;
    let sent = 0;
    const piece = () => {
      if (!isHere()) {
        if (this.#link === link) this.#done(requestId);
        return;
      }
      if (willFail) {
        this.#end(requestId, 'provider');
        return;
      }
      const index = sent++;
      const text = textOf(index);
      this.#providers.delta(this.actor, {
        requestId,
        index,
        delta: { fields: { content: text }, text, bytes: text.length },
      });
      this.servedTokens += TOKENS_PER_PIECE;
      if (sent * TOKENS_PER_PIECE < tokens)
        clock.after(tokenMs * TOKENS_PER_PIECE * this.#troubleOf().slowness, piece);
      else this.#end(requestId, null);
    };
    const firstMs = (firstTokenMs + prefillMsPerToken * promptTokens) * this.#troubleOf().slowness;
    clock.after(firstMs * (0.9 + 0.2 * this.#watcher.fraction()), piece);
  }

  #end(requestId: string, fault: 'provider' | null): void {
    this.#done(requestId);
    const error = fault === null ? null : { fault, reason: 'out of memory', status: 500, param: null };
    this.#providers.result(this.actor, {
      requestId,
      finishReason: error === null ? 'stop' : '',
      claim: null,
      error,
    });
  }

  #done(requestId: string): void {
    this.#open.delete(requestId);
    this.#working--;
    this.#queue.shift()?.();
  }
}
