import { ask } from '../../api/http.ts';
import type { Reading } from '../../api/types.ts';
import { type History, plotted, RANGES, type Range } from './history.ts';

/** The history of a reading, as the server has thinned it out. `kind` is that of its values: of truth there is no mean. */
export async function readHistory(
  deviceId: string,
  name: string,
  range: Range,
  kind: 'number' | 'boolean',
): Promise<History> {
  const { seconds, step } = RANGES[range];
  const from = new Date(Math.floor((Date.now() / 1000 - seconds) / step) * step * 1000).toISOString();
  const query = new URLSearchParams({
    name,
    from,
    step: String(step),
    aggregate: kind === 'boolean' ? 'last' : 'mean',
    limit: '1000',
  });
  const path = `/devices/${encodeURIComponent(deviceId)}/readings?${query}`;
  const { items } = await ask<{ items: readonly Reading[] }>('GET', path);
  return {
    times: items.map(({ at }) => Date.parse(at) / 1000),
    values: items.map(plotted),
  };
}
