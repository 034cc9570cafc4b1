import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { DESCRIPTORS_INTERVAL_MS, SPARE_DESCRIPTORS } from './limits.ts';

/** What happens when descriptors run out. */
export interface DescriptorEvents {
  /** There are hardly any left. */
  exhausted(): void;
  /** There are some again. False: it couldn't be gone on; asked again a moment later. */
  free(): boolean;
}

/** Runs until it is stopped. */
export interface DescriptorWatch {
  stop(): void;
}

/**
 * Looks all the time whether the process can still open something. The budget of connections keeps it from running out;
 * where something else takes the descriptors, or the limit is lowered, a listener must rest. A line tells of each change.
 */
export function watchDescriptors(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  events: DescriptorEvents,
  canOpen: (count: number) => boolean = canOpenFiles,
): DescriptorWatch {
  let isExhausted = false;
  let cancel: () => void = () => {};
  const look = () => {
    if (!isExhausted && !canOpen(SPARE_DESCRIPTORS)) {
      isExhausted = true;
      events.exhausted();
      logger.error({ code: 'unavailable' }, 'no descriptors are left: no connections are taken');
    } else if (isExhausted && canOpen(2 * SPARE_DESCRIPTORS) && events.free()) {
      isExhausted = false;
      logger.warn({}, 'there are descriptors again: connections are taken');
    }
  };
  const wait = () => {
    cancel = clock.after(DESCRIPTORS_INTERVAL_MS, () => {
      look();
      wait();
    });
  };
  wait();
  return { stop: () => cancel() };
}

/** True where so many files can be open beside those that are. */
function canOpenFiles(count: number): boolean {
  const open: number[] = [];
  try {
    while (open.length < count) open.push(openSync('/dev/null', 'r'));
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
}
