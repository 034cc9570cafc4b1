import { type ConfigRow, describeConfig } from './describe.ts';
import type { Config } from './schema.ts';

/** A value of the configuration as an operator may see it. */
export interface ShownSetting extends Pick<ConfigRow, 'variable' | 'description'> {
  /** Null: it is not set, or it is secret. */
  readonly value: string | null;
  /** False: nothing else than the default is in force. */
  readonly isSet: boolean;
  readonly isSecret: boolean;
}

/** The configuration that is in force, in the README's order, without what is secret in it. */
export function showConfig(config: Config): readonly ShownSetting[] {
  return describeConfig().map(({ key, variable, description, fallback, isSecret }) => {
    const text = textOf(config[key]);
    const isSet = text !== null && fallback !== `\`${text}\``;
    return { variable, value: isSecret ? null : text, isSet, isSecret, description };
  });
}

function textOf(value: Config[keyof Config]): string | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(String).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
