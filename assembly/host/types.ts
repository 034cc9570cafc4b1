/** A secret ready to sign with: HMAC-SHA256 midstates. Made by `importKey`; the secret can't be read back from it. */
export interface SigningKey {
  readonly algorithm: 'hmac-sha256';
}

/** A SHA-256 hash of data that comes in parts. Any number of them may be open at once. */
export interface HashStream {
  /** Takes in more data. Throws after `digest`. */
  update(data: Uint8Array): HashStream;
  /** Ends the hash and returns its 32 bytes. Throws when called twice. */
  digest(): Uint8Array;
}

/** One value for each kind of token that has a price of its own. Reasoning is completion. */
export interface TokenKinds<T> {
  readonly prompt: T;
  readonly cachedPrompt: T;
  readonly completion: T;
}

/** What a request used and at which prices. One price for everything is the same price three times. */
export interface PriceRequest {
  readonly tokens: TokenKinds<bigint>;
  readonly priceMicrocentsPer1000Tokens: TokenKinds<bigint>;
  /** The cost is rounded up to a multiple of it. 1 by default; 1,000,000 are whole cents. */
  readonly roundingUnitMicrocents?: bigint;
}

/**
 * What a request costs, or why there is no cost: a sum doesn't fit 64 bits, an argument isn't an unsigned 64-bit integer, or
 * the rounding unit is 0.
 */
export type PriceResult =
  | { readonly ok: true; readonly costMicrocents: bigint }
  | { readonly ok: false; readonly reason: 'overflow' | 'out_of_range' };

/** A cost shared between platform and provider: `feeMicrocents + earningsMicrocents` is the cost, always. */
export type SplitResult =
  | { readonly ok: true; readonly feeMicrocents: bigint; readonly earningsMicrocents: bigint }
  | { readonly ok: false; readonly reason: 'out_of_range' };

/** Three shares from 0 (worst) to 1 (best). */
export interface QualityComponents {
  readonly quality: number;
  readonly latency: number;
  readonly availability: number;
}

/** What one request showed, and how long ago. */
export interface QualitySample extends QualityComponents {
  readonly ageMs: number;
}

/** What one request showed, and when. */
export interface QualityObservation extends QualityComponents {
  readonly timeMs: number;
}

/**
 * Weighted means, the three combined in the score's proportions (25 : 20 : 15), and the weight they stand on: how many
 * samples of this moment they are worth.
 */
export interface QualityAssessment extends QualityComponents {
  readonly combined: number;
  readonly weight: number;
}

/** A running assessment: what it was when the newest sample came in. */
export interface QualityState extends QualityAssessment {
  readonly lastTimeMs: number;
}

/** An assessment, or why there is none: no samples, or a value outside its range. */
export type QualityResult<T> =
  | { readonly ok: true; readonly assessment: T }
  | { readonly ok: false; readonly reason: 'empty' | 'out_of_range' };

/**
 * A provider that may be chosen. Price and latency in any unit, the same for all; quality, availability and fairness are
 * shares from 0 to 1; utilization is used slots by slots, 1 and more when none is free.
 */
export interface Candidate {
  readonly price: number;
  readonly quality: number;
  readonly latencyMs: number;
  readonly availability: number;
  readonly fairness: number;
  readonly utilization: number;
}

/** One score a candidate, -1 for one without a free slot; or why there are none. */
export type ScoreResult =
  | { readonly ok: true; readonly scores: Float32Array }
  | { readonly ok: false; readonly reason: 'empty' | 'out_of_range' };

/** What device and server can compute, with the same results bit for bit. */
export interface DeviceCore {
  readonly kind: 'device' | 'server';
  readonly abiVersion: number;
  /** Most candidates in one `score`. */
  readonly candidatesMax: number;
  /** Most samples in one `weigh`. */
  readonly samplesMax: number;

  /** Makes a key of a secret of any length (RFC 2104). The module's copy of the secret is wiped. */
  importKey(secret: Uint8Array): SigningKey;
  /** The 32-byte HMAC-SHA256 tag of a message of any length. */
  sign(key: SigningKey, message: Uint8Array): Uint8Array;
  /** The same, written to `out` at `outOffset`. `message` may be a view of the same buffer. Throws RangeError without room. */
  signInto(key: SigningKey, message: Uint8Array, out: Uint8Array, outOffset: number): void;
  /** Whether a tag is the message's. Constant time in the tag; false for a tag that isn't 32 bytes long. */
  verify(key: SigningKey, message: Uint8Array, tag: Uint8Array): boolean;
  /** SHA-256 (FIPS 180-4) of data of any length. */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 of data that comes in parts. */
  createHash(): HashStream;

  /**
   * What a request costs: the sum of `tokens * price` over the three kinds, divided by 1,000 and rounded up to a multiple of
   * the rounding unit. In integers, and rounded once: 281 tokens at 25 cents are 7,025,000 micro-cents, or 8 whole cents.
   */
  price(request: PriceRequest): PriceResult;
  /** Fee = `cost * basisPoints / 10000`, rounded half up; earnings = cost - fee. Refuses more than 10,000 basis points. */
  split(costMicrocents: bigint, commissionBasisPoints: number): SplitResult;

  /** The mean of samples, each weighing `2^(-age / halfLife)`. Refuses none, too many, and values outside their range. */
  weigh(samples: readonly QualitySample[], halfLifeMs: number): QualityResult<QualityAssessment>;
  /** Takes one more observation into a running assessment (null before the first). One that comes late is weighed as late. */
  updateQuality(
    state: QualityState | null,
    observation: QualityObservation,
    halfLifeMs: number,
  ): QualityResult<QualityState>;

  /**
   * Scores candidates for choice: price 30 %, quality 25 %, latency 20 %, availability 15 %, fairness 10 %, damped by
   * utilization. The lowest price and latency with a free slot count 1, twice as much counts a half. Refuses none, too
   * many, and values outside their range.
   */
  score(candidates: readonly Candidate[]): ScoreResult;
}

/**
 * The arrays of the scoring batch, in the module's memory: fill the first `count` of each, call `scoreBatch`, read the
 * scores. `score` uses them too.
 */
export interface CandidateArrays {
  readonly price: Float32Array;
  readonly quality: Float32Array;
  readonly latencyMs: Float32Array;
  readonly availability: Float32Array;
  readonly fairness: Float32Array;
  readonly utilization: Float32Array;
  readonly scores: Float32Array;
}

/** Whether the whole batch was scored; if not, no score may be read. */
export type ScoreBatchResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'empty' | 'out_of_range' };

/**
 * Messages signed together, four at a time. They are written straight into `arena`, so nothing is copied: `clear`, write
 * messages, `add` each, then `sign` and read `tags`. There is one a core; `signBatch` and `signForKeys` use it too and leave it
 * empty.
 */
export interface SignatureBatch {
  /** Memory for messages. */
  readonly arena: Uint8Array;
  /** 32 bytes a message, in the order they were added; valid after `sign`. */
  readonly tags: Uint8Array;
  readonly countMax: number;
  readonly count: number;
  clear(): void;
  /** Adds a message that lies in the arena. Throws RangeError when it doesn't, or when the batch is full. */
  add(key: SigningKey, offset: number, length: number): void;
  /** Signs every message added. */
  sign(): void;
}

/** ChaCha20-Poly1305 (RFC 8439) of short texts, the tag behind the ciphertext: below about 2 KB it is faster than node:crypto. */
export interface TextCipher {
  readonly textBytesMax: number;
  readonly associatedBytesMax: number;
  /**
   * Fills `target`, which is 16 bytes longer than the plaintext. A key has 32 bytes, a nonce 12. Throws RangeError for a text or
   * associated data of more bytes than it takes.
   */
  encryptInto(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    target: Uint8Array,
  ): void;
  /** Null: the ciphertext was not made with this key, nonce and associated data, which takes the same time whatever is wrong. */
  decrypt(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | null;
}

/** The server's core: everything the device's can do, batches, and a cipher. */
export interface ServerCore extends DeviceCore {
  readonly kind: 'server';
  readonly candidates: CandidateArrays;
  readonly batch: SignatureBatch;
  readonly cipher: TextCipher;

  /**
   * Signs each message under its own key. Tags go to one buffer, 32 bytes after 32 bytes from `offset`, or each to a
   * buffer of its own at `offset`. Throws RangeError when the arrays' lengths differ or a buffer is too small.
   */
  signBatch(
    keys: readonly SigningKey[],
    messages: readonly Uint8Array[],
    tags: Uint8Array | readonly Uint8Array[],
    offset?: number,
  ): void;
  /** Signs one message under many keys; tags as in `signBatch`. The message is copied once. */
  signForKeys(
    message: Uint8Array,
    keys: readonly SigningKey[],
    tags: Uint8Array | readonly Uint8Array[],
    offset?: number,
  ): void;
  /** Scores the first `count` of `candidates` as `score` does, four at a time, to the same bits. */
  scoreBatch(count: number): ScoreBatchResult;
}
