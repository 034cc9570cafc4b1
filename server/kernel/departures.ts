/** How often a batch is written, at most: one device after the other may leave while it is. */
const ATTEMPTS_MAX = 5;

/** SQLSTATE foreign_key_violation. */
const FOREIGN_KEY_VIOLATION = '23503';

/**
 * Runs a transaction that first asks which devices belong to their networks, then writes for those that do. Where one leaves, or
 * its network is removed, between the two, the database refuses all of it (SQLSTATE 23503) and nothing is written: it runs
 * again, and the next look no longer finds what left. The same error after five attempts is no such moment, and is thrown.
 */
export async function withoutDeparted<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== FOREIGN_KEY_VIOLATION || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
