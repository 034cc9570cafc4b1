/** A sealed secret in its table. */
export interface SealedRow {
  readonly id: string;
  readonly sealed: Uint8Array;
  /** What it is bound to. */
  readonly context: string;
}

/** The sealed secrets of one table, for who seals them anew. */
export interface SealedRows {
  /** Those whose first byte is this, behind `after` in the order of their ids, as many as `limit`. */
  list(form: number, after: string | null, limit: number): Promise<readonly SealedRow[]>;
  /** Puts the secret, sealed anew, in place of what was read; nothing happens where that has changed meanwhile. */
  replace(row: SealedRow, sealed: Uint8Array): Promise<void>;
}
