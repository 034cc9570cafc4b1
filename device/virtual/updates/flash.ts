/** Two slots for images, the table that says which of them starts, and the marks of what was written of a download. */
export type FlashRegion = 'slot-a' | 'slot-b' | 'table' | 'marks';

/** What is erased at once. A byte is written once after that. */
export const SECTOR_BYTES = 4_096;

/**
 * A device's flash, as far as updates go. Each change lasts when the call returns; when power is lost in it, its bytes are anything.
 * Throws FlashError for what can't be written.
 */
export interface UpdateFlash {
  /** Of each slot: whole sectors, at most as many as a sector has bytes. */
  readonly slotBytes: number;
  read(region: FlashRegion, offset: number, length: number): Uint8Array;
  /** Its bytes are 0xFF from then on. */
  erase(region: FlashRegion, sector: number): void;
  write(region: FlashRegion, offset: number, data: Uint8Array): void;
}

/** The flash refuses; what was there before is still there. */
export class FlashError extends Error {
  override readonly name = 'FlashError';
}
