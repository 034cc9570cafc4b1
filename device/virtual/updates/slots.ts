import { createHash, type Hash } from 'node:crypto';
import { decodeReleaseManifest, RELEASE_MANIFEST_BYTES, type ReleaseManifest } from '../../../proto/index.ts';
import { SECTOR_BYTES, type UpdateFlash } from './flash.ts';
import { KeptTable, Phase, type SlotTable } from './table.ts';

/** Starts that a new image gets to reach the server. */
export const TRIES_MAX = 3;

const REGIONS = ['slot-a', 'slot-b'] as const;
const WRITTEN = Uint8Array.of(0);

/** What starts. */
export interface StartedImage {
  /** Null: what the device came with. */
  readonly manifest: ReleaseManifest | null;
  /** It has to reach the server, or the one before it comes back. */
  readonly isTrial: boolean;
}

/** An update as it is offered. */
export interface UpdateBegin {
  readonly rolloutId: Uint8Array;
  readonly head: Uint8Array;
  readonly allowOlder: boolean;
}

/**
 * The two slots of a device. Whatever happens between two changes of flash, or within one: what starts is whole, a new image comes
 * back no more once another was confirmed, and how an update ended is known until the server has heard of it.
 */
export class Slots {
  readonly #flash: UpdateFlash;
  readonly #table: KeptTable;
  #received = 0;
  #hash: Hash = createHash('sha256');

  constructor(flash: UpdateFlash) {
    this.#flash = flash;
    this.#table = new KeptTable(flash);
    if (this.table.phase === Phase.DOWNLOADING) this.#resume();
  }

  get table(): SlotTable {
    return this.#table.value;
  }

  /** Bytes of the download that are there. */
  get receivedBytes(): number {
    return this.#received;
  }

  /** What is being downloaded, was, or is tried; null: nothing. */
  get incoming(): ReleaseManifest | null {
    return manifestOf(this.table.heads[this.#otherSlot]);
  }

  /** What starts without a trial. */
  get confirmed(): ReleaseManifest | null {
    return manifestOf(this.table.heads[this.table.active]);
  }

  get #otherSlot(): 0 | 1 {
    return this.table.active === 0 ? 1 : 0;
  }

  /** Whether there is room for an image, and for the next one of its size in the other slot. */
  hasRoom(bytes: number): boolean {
    return bytes <= this.#flash.slotBytes;
  }

  /** Begins a download in place of what the other slot holds. Throws FlashError. */
  begin({ rolloutId, head, allowOlder }: UpdateBegin): void {
    this.#flash.erase('marks', 0);
    this.#table.change({
      phase: Phase.DOWNLOADING,
      rolloutId,
      allowOlder,
      heads: this.#withOther(head),
      outcome: 0,
      errorCode: 0,
    });
    this.#received = 0;
    this.#hash = createHash('sha256');
  }

  /** Bytes that fit before the next sector begins; 0: the download is whole. */
  get missingInSector(): number {
    const left = (this.incoming?.contentBytes ?? 0) - this.#received;
    return Math.min(left, SECTOR_BYTES - (this.#received % SECTOR_BYTES));
  }

  /** Adds the next piece, within a sector. What a mark says is written stays so over a loss of power. Throws FlashError. */
  append(data: Uint8Array): void {
    const region = REGIONS[this.#otherSlot];
    const sector = Math.floor(this.#received / SECTOR_BYTES);
    if (this.#received % SECTOR_BYTES === 0) this.#flash.erase(region, sector);
    this.#flash.write(region, this.#received, data);
    this.#hash.update(data);
    this.#received += data.length;
    const isSectorDone =
      this.#received % SECTOR_BYTES === 0 || this.#received === this.incoming?.contentBytes;
    if (isSectorDone) this.#flash.write('marks', sector, WRITTEN);
  }

  /** Whether what was downloaded is what was signed; then it stays so. Throws FlashError. */
  verify(): boolean {
    const expected = this.incoming?.sha256;
    if (expected === undefined || Buffer.compare(this.#hash.copy().digest(), expected) !== 0) return false;
    this.#table.change({ phase: Phase.VERIFIED });
    return true;
  }

  /** What was downloaded. */
  content(): Uint8Array {
    return this.#flash.read(REGIONS[this.#otherSlot], 0, this.incoming?.contentBytes ?? 0);
  }

  /** The next start is that of the new image. Throws FlashError. */
  arm(): void {
    this.#table.change({ phase: Phase.TRYING, tries: 0 });
  }

  /** Chooses what starts, as a boot loader does. `rolledBack` is noted as the outcome where a trial is given up. Throws FlashError. */
  boot(rolledBack: number): StartedImage {
    const { phase, tries } = this.table;
    if (phase === Phase.TRYING) {
      if (tries < TRIES_MAX && this.#isWhole(this.#otherSlot)) {
        this.#table.change({ tries: tries + 1 });
        return { manifest: this.incoming, isTrial: true };
      }
      this.conclude(rolledBack, 0);
    }
    return { manifest: this.confirmed, isTrial: false };
  }

  /** The new image has reached the server: it is the one that starts from now on. Throws FlashError. */
  confirm(outcome: number): void {
    const { oldestVersion } = this.table;
    this.#table.change({
      active: this.#otherSlot,
      phase: Phase.OVER,
      outcome,
      errorCode: 0,
      oldestVersion: Math.max(oldestVersion, this.incoming?.oldestVersion ?? 0),
    });
  }

  /** The update is over, and what was confirmed stays. Throws FlashError. */
  conclude(outcome: number, errorCode: number): void {
    this.#table.change({ phase: Phase.OVER, outcome, errorCode, heads: this.#withOther(null) });
  }

  /** The server knows how it ended. Throws FlashError. */
  acknowledge(): void {
    this.#table.change({ phase: Phase.IDLE });
  }

  #withOther(head: Uint8Array | null): SlotTable['heads'] {
    const { heads, active } = this.table;
    return active === 0 ? [heads[0], head] : [head, heads[1]];
  }

  /** Goes on behind the last sector that is whole. */
  #resume(): void {
    const contentBytes = this.incoming?.contentBytes ?? 0;
    const marks = this.#flash.read('marks', 0, Math.ceil(contentBytes / SECTOR_BYTES));
    const open = marks.findIndex((mark) => mark !== 0);
    const sectors = open < 0 ? marks.length : open;
    this.#received = Math.min(sectors * SECTOR_BYTES, contentBytes);
    this.#hash = this.#hashOf(this.#otherSlot, this.#received);
  }

  #isWhole(slot: 0 | 1): boolean {
    const manifest = manifestOf(this.table.heads[slot]);
    if (manifest === null) return false;
    return Buffer.compare(this.#hashOf(slot, manifest.contentBytes).digest(), manifest.sha256) === 0;
  }

  #hashOf(slot: 0 | 1, bytes: number): Hash {
    const hash = createHash('sha256');
    for (let offset = 0; offset < bytes; offset += SECTOR_BYTES) {
      hash.update(this.#flash.read(REGIONS[slot], offset, Math.min(SECTOR_BYTES, bytes - offset)));
    }
    return hash;
  }
}

function manifestOf(head: Uint8Array | null): ReleaseManifest | null {
  return head === null ? null : decodeReleaseManifest(head.subarray(0, RELEASE_MANIFEST_BYTES));
}
