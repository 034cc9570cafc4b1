/**
 * Names of the figures that aren't above 0 and below their ceiling, in the order of the ceilings. A figure that is
 * missing, 0 or not a number wasn't measured, so it has not passed.
 */
export function failedCeilings<Name extends string>(
  figures: Readonly<Partial<Record<NoInfer<Name>, number>>>,
  ceilings: Readonly<Record<Name, number>>,
): Name[] {
  return (Object.keys(ceilings) as Name[]).filter((name) => {
    const figure = figures[name] ?? 0;
    return !(figure > 0 && figure < ceilings[name]);
  });
}
