/** For how long something is allowed. */
export const SPANS = ['always', 'hour', 'day', 'week', 'once'] as const;
export type Span = (typeof SPANS)[number];

const SPAN_MS: Readonly<Partial<Record<Span, number>>> = {
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

/** Operations as people write them: by comma, space or line. Without any: everything. */
export function readOperations(text: string): readonly string[] | null {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  return names.length === 0 ? null : [...new Set(names)];
}

/** What the API is told when somebody allows. */
export function toPermission(span: Span, operations: string, nowMs: number): object {
  const names = readOperations(operations);
  const spanMs = SPAN_MS[span];
  return {
    allow: true,
    once: span === 'once',
    ...(names === null ? {} : { operations: names }),
    ...(spanMs === undefined ? {} : { until: new Date(nowMs + spanMs).toISOString() }),
  };
}
