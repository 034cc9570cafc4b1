import { type StorageRoom, storageFull } from '../../server/kernel/storage-room.ts';

/** There is always room. */
export const PLENTY: StorageRoom = { requireRoom() {} };

/** There is none. */
export const NO_ROOM: StorageRoom = {
  requireRoom() {
    throw storageFull();
  },
};
