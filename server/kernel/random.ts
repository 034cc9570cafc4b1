/** Chance as an input: the operating system's generator in production, a seeded one in simulations. */
export interface Random {
  /** A random UUID, version 4. */
  uuid(): string;
  /** `length` random bytes, fit for secrets in production. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1), for choices that need no secrecy. */
  fraction(): number;
}
