/** The seeds of a run: `SEEDS` of them (or `count`), from `SEED` (or 1) on. */
export function seedsFrom(
  env: Readonly<Record<string, string | undefined>>,
  count: number,
): readonly number[] {
  const first = Number(env.SEED ?? 1);
  return Array.from({ length: Number(env.SEEDS ?? count) }, (_, index) => first + index);
}
