let nowMs = $state(Date.now());

setInterval(() => {
  nowMs = Date.now();
}, 5_000);

/** The time, to five seconds: what shows an age is drawn anew as it passes. */
export const now = (): number => nowMs;
