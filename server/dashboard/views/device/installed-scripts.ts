import type { Action } from '../../api/types.ts';

/** A script that a device has. */
export interface InstalledScript {
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly error: string;
  readonly calls: number;
}

/** What `ListScripts` answers: for each script `<name>.version`, `.state`, `.error`, `.calls` (docs/scripts.md). */
export function readScripts(values: Action['values']): readonly InstalledScript[] {
  const names = Object.keys(values)
    .filter((key) => key.endsWith('.version'))
    .map((key) => key.slice(0, -'.version'.length))
    .sort();
  return names.map((name) => ({
    name,
    version: Number(values[`${name}.version`]),
    state: String(values[`${name}.state`] ?? ''),
    error: String(values[`${name}.error`] ?? ''),
    calls: Number(values[`${name}.calls`] ?? 0),
  }));
}
