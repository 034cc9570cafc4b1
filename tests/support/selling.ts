import type { SellingRegistrations } from '../../server/domains/providers/index.ts';

/** Every device sells what it announces, under an id that follows from its own. */
export const sellsWhatItAnnounces: SellingRegistrations = {
  termsOf: async ({ deviceId }) => ({
    id: `00000000${deviceId.slice(8)}`,
    declared: { dataPolicy: null, hardware: null },
    bind: (offer) => ({ ok: true, offer, isShared: true }),
  }),
};
