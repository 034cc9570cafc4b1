import type {
  Candidate,
  PriceRequest,
  QualitySample,
  QualityState,
  SigningKey,
  TokenKinds,
} from '../../../assembly/host/index.ts';
import { createSeededRandom } from '../../support/random.ts';
import { describeModule, type Expectation, Expecting } from './expectations.ts';

const MESSAGE_BYTES_MAX = 1024;
const { keySlots: KEY_SLOTS, candidatesMax: CANDIDATES_MAX, messageBytesMax } = describeModule();
const U64_MAX = 2n ** 64n - 1n;
const BASIS_POINTS_MAX = 10_000;
const SAMPLES_MAX = messageBytesMax / 32;

/** Random inputs for each function, by seed, with what V8 makes of them. */
export class RandomCases {
  readonly #random: ReturnType<typeof createSeededRandom>;
  readonly #expecting = new Expecting();
  #key: SigningKey | null = null;
  #slot = 0;
  #state: QualityState | null = null;

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
  }

  /** The functions by name, each of which makes one case after another. */
  readonly functions: Readonly<Record<string, () => Expectation>> = {
    importKey: () => this.#importKey(),
    sign: () => this.#sign(),
    verify: () => this.#verify(),
    sha256: () => this.#expecting.sha256('sha256', this.#message()),
    hashParts: () => this.#expecting.hashParts('hashParts', this.#parts()),
    price: () => this.#expecting.price('price', this.#priceRequest()),
    split: () => this.#expecting.split('split', this.#amount(), this.#basisPoints()),
    weigh: () => this.#expecting.weigh('weigh', this.#samples(), this.#halfLifeMs()),
    updateQuality: () => this.#updateQuality(),
    score: () => this.#expecting.score('score', this.#candidates()),
  };

  /** Cases of one function; for signatures, behind the key they need. */
  make(name: string, count: number): Expectation[] {
    const next = this.functions[name];
    if (next === undefined) throw new Error(`No function ${name}.`);
    const first = name === 'sign' || name === 'verify' ? [this.#importKey()] : [];
    return [...first, ...Array.from({ length: count }, next)];
  }

  #integer(below: number): number {
    return Math.floor(this.#random.fraction() * below);
  }

  #pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.#integer(values.length)] ?? values[0];
  }

  #message(): Uint8Array {
    return this.#random.bytes(this.#integer(MESSAGE_BYTES_MAX + 1));
  }

  #parts(): Uint8Array[] {
    return Array.from({ length: 1 + this.#integer(4) }, () => this.#random.bytes(this.#integer(200)));
  }

  #importKey(): Expectation {
    this.#slot = this.#integer(KEY_SLOTS);
    const secret = this.#random.bytes(
      this.#pick([0, 1, 32, 63, 64, 65, this.#integer(200), this.#integer(3000)]),
    );
    const { key, expectation } = this.#expecting.importKey('importKey', this.#slot, secret);
    this.#key = key;
    return expectation;
  }

  #requireKey(): SigningKey {
    if (this.#key === null) throw new Error('No key was imported.');
    return this.#key;
  }

  #sign(): Expectation {
    return this.#expecting.sign('sign', this.#requireKey(), this.#slot, this.#message());
  }

  #verify(): Expectation {
    const message = this.#message();
    const tag = this.#expecting.core.sign(this.#requireKey(), message);
    if (this.#random.fraction() < 0.5) tag[this.#integer(32)] = this.#integer(256);
    return this.#expecting.verify('verify', this.#requireKey(), this.#slot, message, tag);
  }

  /** Zero, ones, everything near a power of two or of ten, the largest, and any number of any number of bits. */
  #amount(): bigint {
    const near = BigInt(this.#integer(5)) - 2n;
    const power = 1n << BigInt(this.#integer(65));
    const any = this.#random.bytes(8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const amount = this.#pick([
      0n,
      1n,
      U64_MAX - BigInt(this.#integer(1001)),
      power + near,
      10n ** BigInt(this.#integer(20)) + near,
      BigInt(this.#integer(100_000)),
      any >> BigInt(this.#integer(64)),
    ]);
    return amount < 0n ? 0n : amount > U64_MAX ? U64_MAX : amount;
  }

  #amounts(): TokenKinds<bigint> {
    return { prompt: this.#amount(), cachedPrompt: this.#amount(), completion: this.#amount() };
  }

  /** Every other one has ordinary sizes, because three products of any amounts seldom fit 64 bits. */
  #priceRequest(): PriceRequest {
    const ordinary = (below: number): TokenKinds<bigint> => ({
      prompt: BigInt(this.#integer(below)),
      cachedPrompt: BigInt(this.#integer(below)),
      completion: BigInt(this.#integer(below)),
    });
    const isOrdinary = this.#random.fraction() < 0.5;
    return {
      tokens: isOrdinary ? ordinary(1_000_000) : this.#amounts(),
      priceMicrocentsPer1000Tokens: isOrdinary ? ordinary(100_000_000) : this.#amounts(),
      roundingUnitMicrocents: this.#pick([1n, 1_000_000n, this.#amount()]),
    };
  }

  #basisPoints(): number {
    const edge = this.#pick([0, 1, 9999, BASIS_POINTS_MAX, BASIS_POINTS_MAX + 1, 0xffff_ffff]);
    return this.#random.fraction() < 0.2 ? edge : this.#integer(BASIS_POINTS_MAX + 1);
  }

  #share(): number {
    return this.#pick([0, 1, 0.5, -0, this.#random.fraction(), this.#random.fraction()]);
  }

  /** In one of forty cases outside what is allowed, never NaN. */
  #spoiled(value: number, wrong: readonly [number, ...number[]]): number {
    return this.#random.fraction() < 0.025 ? this.#pick(wrong) : value;
  }

  #timeMs(): number {
    return this.#pick([
      0,
      this.#random.fraction() * 1e6,
      this.#random.fraction() * 1e12,
      this.#random.fraction() * 1e300,
    ]);
  }

  #halfLifeMs(): number {
    const halfLife = this.#pick([1, 1000, 60_000, 86_400_000, this.#random.fraction() * 1e9 + 1e-3]);
    return this.#spoiled(halfLife, [0, -1, Number.POSITIVE_INFINITY, 5e-324]);
  }

  #sample(): QualitySample {
    return {
      quality: this.#share(),
      latency: this.#share(),
      availability: this.#share(),
      ageMs: this.#timeMs(),
    };
  }

  #samples(): QualitySample[] {
    const count = this.#pick([0, 1, 2, SAMPLES_MAX, SAMPLES_MAX + 1, this.#integer(10), this.#integer(10)]);
    const samples = Array.from({ length: count }, () => this.#sample());
    const [first] = samples;
    if (first === undefined) return samples;
    const quality = this.#spoiled(first.quality, [-1e-9, 1.0000001, Number.POSITIVE_INFINITY]);
    const ageMs = this.#spoiled(first.ageMs, [-1, Number.POSITIVE_INFINITY]);
    return [{ ...first, quality, ageMs }, ...samples.slice(1)];
  }

  #updateQuality(): Expectation {
    const isFirst = this.#random.fraction() < 0.1;
    const { ageMs, ...components } = this.#sample();
    const observation = {
      ...components,
      latency: this.#spoiled(components.latency, [2, -1]),
      timeMs: this.#spoiled(ageMs, [-1]),
    };
    const step = this.#expecting.updateQuality(
      'updateQuality',
      isFirst ? null : this.#state,
      observation,
      this.#halfLifeMs(),
    );
    this.#state = step.state;
    return step.expectation;
  }

  #price(): number {
    return this.#pick([0, 1, 25, 25, this.#random.fraction() * 1000, 3.4e38, 1e-45]);
  }

  #candidate(): Candidate {
    return {
      price: this.#spoiled(this.#price(), [-1, Number.POSITIVE_INFINITY]),
      quality: this.#share(),
      latencyMs: this.#price(),
      availability: this.#spoiled(this.#share(), [1.1, -0.1]),
      fairness: this.#share(),
      utilization: this.#pick([0, 0.5, 1, 2, this.#random.fraction(), this.#random.fraction()]),
    };
  }

  /** Every other one has ties: candidates that are there twice. */
  #candidates(): Candidate[] {
    const count = this.#pick([0, 1, 2, 5, CANDIDATES_MAX, CANDIDATES_MAX + 1, this.#integer(20)]);
    const candidates = Array.from({ length: count }, () => this.#candidate());
    const [first] = candidates;
    if (first === undefined || this.#random.fraction() < 0.5) return candidates;
    return candidates.map((candidate) => (this.#random.fraction() < 0.5 ? first : candidate));
  }
}
