import { invalidInput } from '../../kernel/errors.ts';
import { coversFilter, isTopicFilter } from '../../kernel/topic-filters.ts';
import { FILTER_LENGTH_MAX, FILTERS_MAX } from './limits.ts';
import type { TopicRights } from './types.ts';

/** Refuses with `invalid_input` what is no list of filters, or too long. */
export function checkRights({ publish, subscribe }: TopicRights): void {
  for (const filters of [publish ?? [], subscribe ?? []]) {
    if (filters.length > FILTERS_MAX) throw invalidInput(`There may be ${FILTERS_MAX} filters.`);
    for (const filter of filters) {
      if (filter.length > FILTER_LENGTH_MAX || filter.startsWith('$') || !isTopicFilter(filter))
        throw invalidInput(
          'A topic filter has wildcards as whole levels, # as the last one, and no $ at its beginning.',
        );
    }
  }
}

/** True: a device with these rights may publish to the topic, or subscribe to the filter. Null: there is none that says otherwise. */
export function isCovered(rights: TopicRights | null, action: keyof TopicRights, topic: string): boolean {
  const filters = rights?.[action] ?? null;
  return filters === null || filters.some((filter) => coversFilter(filter, topic));
}
