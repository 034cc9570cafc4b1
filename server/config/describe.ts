import type { z } from 'zod';
import { type Values, values } from './schema.ts';
import type { Variable } from './values.ts';

/** One line of the configuration's description. */
export interface ConfigRow {
  readonly key: keyof Values;
  readonly variable: string;
  /** The default as a variable would hold it, or what happens without one. */
  readonly fallback: string;
  readonly description: string;
  /** Nobody is shown its value. */
  readonly isSecret: boolean;
}

/** What can be set, in the README's order. */
export function describeConfig(): readonly ConfigRow[] {
  return (Object.keys(values.shape) as (keyof Values)[]).map((key) => {
    const schema: z.ZodType = values.shape[key];
    const { variable, description, unset, isSecret = false } = schema.meta() as unknown as Variable;
    const fallback = unset ?? `\`${String(schema.parse(undefined))}\``;
    return { key, variable, fallback, description, isSecret };
  });
}

/** The Markdown table of the README, between `<!-- config:begin -->` and `<!-- config:end -->`. */
export function renderConfigTable(): string {
  const rows = describeConfig().map(
    (row) => `| \`${row.variable}\` | ${row.fallback} | ${row.description} |`,
  );
  return ['| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n');
}
