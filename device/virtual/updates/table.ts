import { crc32 } from 'node:zlib';
import { RELEASE_MANIFEST_BYTES, RELEASE_SIGNATURE_BYTES } from '../../../proto/index.ts';
import { SECTOR_BYTES, type UpdateFlash } from './flash.ts';

/** Manifest and signature. */
export const HEAD_BYTES = RELEASE_MANIFEST_BYTES + RELEASE_SIGNATURE_BYTES;

/** What a device is at. */
export const Phase = {
  IDLE: 0,
  /** The other slot is being written. */
  DOWNLOADING: 1,
  /** The other slot is whole, and its hash right. */
  VERIFIED: 2,
  /** The other slot starts, and has to reach the server. */
  TRYING: 3,
  /** An update is over, and the server doesn't know yet. */
  OVER: 4,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Everything that a device knows of its slots. */
export interface SlotTable {
  /** The slot that starts, but for a trial. */
  readonly active: 0 | 1;
  readonly phase: Phase;
  /** How often the trial has started. */
  readonly tries: number;
  readonly allowOlder: boolean;
  /** An `UpdateState`, and an `ErrorCode`: how the update ended. */
  readonly outcome: number;
  readonly errorCode: number;
  /** No version below it is taken. */
  readonly oldestVersion: number;
  /** Of the update. */
  readonly rolloutId: Uint8Array;
  /** Manifest and signature of what each slot holds, or is getting; null: nothing. */
  readonly heads: readonly [Uint8Array | null, Uint8Array | null];
}

const FACTORY: SlotTable = {
  active: 0,
  phase: Phase.IDLE,
  tries: 0,
  allowOlder: false,
  outcome: 0,
  errorCode: 0,
  oldestVersion: 0,
  rolloutId: new Uint8Array(16),
  heads: [null, null],
};

/** "YGT1". */
const MAGIC = 0x31544759;
const ROLLOUT_OFFSET = 24;
const HEADS_OFFSET = 40;
const CRC_OFFSET = HEADS_OFFSET + 2 * HEAD_BYTES;
const TABLE_BYTES = CRC_OFFSET + 4;

/**
 * The table on flash: two copies, each with a number and a checksum. The older one is replaced, so that after a loss of power
 * what was known before is known, or what is new.
 */
export class KeptTable {
  readonly #flash: UpdateFlash;
  #table = FACTORY;
  #sequence = 0;
  /** The copy that is replaced next. */
  #next: 0 | 1 = 0;

  constructor(flash: UpdateFlash) {
    this.#flash = flash;
    for (const copy of [0, 1] as const) {
      const read = decode(flash.read('table', copy * SECTOR_BYTES, TABLE_BYTES));
      if (read === null || read.sequence <= this.#sequence) continue;
      this.#table = read.table;
      this.#sequence = read.sequence;
      this.#next = copy === 0 ? 1 : 0;
    }
  }

  get value(): SlotTable {
    return this.#table;
  }

  /** Changes some of it, in one step. Throws FlashError. */
  change(changes: Partial<SlotTable>): void {
    const table = { ...this.#table, ...changes };
    this.#flash.erase('table', this.#next);
    this.#flash.write('table', this.#next * SECTOR_BYTES, encode(table, this.#sequence + 1));
    this.#table = table;
    this.#sequence++;
    this.#next = this.#next === 0 ? 1 : 0;
  }
}

function encode(table: SlotTable, sequence: number): Uint8Array {
  const bytes = new Uint8Array(TABLE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, sequence, true);
  bytes.set([table.active, table.phase, table.tries, Number(table.allowOlder)], 8);
  view.setUint32(12, table.outcome, true);
  view.setUint32(16, table.errorCode, true);
  view.setUint32(20, table.oldestVersion, true);
  bytes.set(table.rolloutId, ROLLOUT_OFFSET);
  for (const [slot, head] of table.heads.entries()) bytes.set(head ?? [], HEADS_OFFSET + slot * HEAD_BYTES);
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/** Null for what was never written to its end. */
function decode(bytes: Uint8Array): { readonly table: SlotTable; readonly sequence: number } | null {
  if (bytes.length < TABLE_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) return null;
  if (view.getUint32(CRC_OFFSET, true) !== crc32(bytes.subarray(0, CRC_OFFSET))) return null;
  const head = (slot: number) => {
    const kept = bytes.slice(HEADS_OFFSET + slot * HEAD_BYTES, HEADS_OFFSET + (slot + 1) * HEAD_BYTES);
    return kept.some((byte) => byte !== 0) ? kept : null;
  };
  const table: SlotTable = {
    active: bytes[8] === 1 ? 1 : 0,
    phase: (bytes[9] ?? 0) as Phase,
    tries: bytes[10] ?? 0,
    allowOlder: bytes[11] === 1,
    outcome: view.getUint32(12, true),
    errorCode: view.getUint32(16, true),
    oldestVersion: view.getUint32(20, true),
    rolloutId: bytes.slice(ROLLOUT_OFFSET, ROLLOUT_OFFSET + 16),
    heads: [head(0), head(1)],
  };
  return { table, sequence: view.getUint32(4, true) };
}
