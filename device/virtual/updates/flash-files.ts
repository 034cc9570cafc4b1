import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { writeWhole } from '../../../server/platform/files/durable.ts';
import { FlashError, type FlashRegion, SECTOR_BYTES, type UpdateFlash } from './flash.ts';

const MODE = 0o600;
/** Two copies of the table. */
const TABLE_BYTES = 2 * SECTOR_BYTES;

/** Flash as files in a folder, which it makes at its full size: an update never finds less room than there was at first. */
export function createFlashFiles(folder: string, slotBytes: number): UpdateFlash {
  const path = (region: FlashRegion) => `${folder}/${region}.bin`;
  const sizes = {
    'slot-a': slotBytes,
    'slot-b': slotBytes,
    table: TABLE_BYTES,
    marks: SECTOR_BYTES,
  } as const;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [region, bytes] of Object.entries(sizes)) {
    const name = path(region as FlashRegion);
    if (!existsSync(name)) writeWhole(name, new Uint8Array(bytes).fill(0xff), { mode: MODE });
  }
  const write: UpdateFlash['write'] = (region, offset, data) => {
    try {
      const file = openSync(path(region), 'r+');
      try {
        for (let done = 0; done < data.length; ) {
          done += writeSync(file, data, done, data.length - done, offset + done);
        }
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw new FlashError(
        `the flash can't be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
      );
    }
  };
  return {
    slotBytes,
    write,
    erase: (region, sector) => write(region, sector * SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(0xff)),
    read(region, offset, length) {
      const file = openSync(path(region), 'r');
      try {
        const data = new Uint8Array(length);
        return data.subarray(0, readSync(file, data, 0, length, offset));
      } finally {
        closeSync(file);
      }
    },
  };
}
