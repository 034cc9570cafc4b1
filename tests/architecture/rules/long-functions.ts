/** Functions that may have more than 70 lines, as `path#name`. */
export const LONG_FUNCTIONS: readonly string[] = [
  // Unrolled by hand: the rounds of SHA-256, with their schedule in locals.
  'assembly/sha256-compress.ts#compressFast',
  'assembly/sha256-four-lanes.ts#compressFourLanes',
];
