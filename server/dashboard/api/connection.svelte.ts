let lostAt = $state<Date | null>(null);

/** Since when the server does not answer; null: it does. */
export const connectionLostAt = (): Date | null => lostAt;

/** Tells how a request went, as far as the way to the server goes. */
export function reportConnection(reached: boolean): void {
  if (reached) lostAt = null;
  else lostAt ??= new Date();
}

let live = $state(true);

/** False: something that is shown may be otherwise by now. */
export const isLive = (): boolean => live;

/** Tells whether all that is followed comes. */
export function reportLive(is: boolean): void {
  live = is;
}
