import type { DeviceCommand, DeviceCommandResult } from '../client/index.ts';

const INTERVAL = 'capability_configuration.reading_interval_ms';
const UPDATES = 'ota_update_settings.enabled';

/** Those that mean something without a board; the C runtime (device/core/yg_settings.c) has more. Whole numbers. */
const LIMITS: ReadonlyMap<string, { readonly least: number; readonly most: number }> = new Map([
  [INTERVAL, { least: 1_000, most: 86_400_000 }],
  [UPDATES, { least: 0, most: 1 }],
]);

export const SETTINGS_COMMANDS: readonly string[] = ['settings.get', 'settings.set'];

/** Settings of a device by name. A change is taken as a whole or not at all, and holds at once; the device keeps `values`. */
export class DeviceSettings {
  #values: Readonly<Record<string, number>>;

  /** What was kept, or else what the device was started with. What was kept and is no setting any more is left out. */
  constructor(intervalMs: number, kept: Readonly<Record<string, number>> = {}) {
    const valid = Object.entries(kept).filter(([name, value]) => isValid(name, value));
    this.#values = { [INTERVAL]: intervalMs, [UPDATES]: 1, ...Object.fromEntries(valid) };
  }

  get values(): Readonly<Record<string, number>> {
    return this.#values;
  }

  get intervalMs(): number {
    return this.#values[INTERVAL] as number;
  }

  get takesUpdates(): boolean {
    return this.#values[UPDATES] === 1;
  }

  /** The result of a command about settings; null for any other one. Refuses with `setting_unknown`, `setting_wrong`. */
  carryOut({ name, arguments: args }: DeviceCommand): DeviceCommandResult | null {
    if (name === 'settings.get') {
      if (Object.keys(args).length === 0) return this.#done();
      return refused('command_argument_wrong', 'settings.get takes no arguments.');
    }
    if (name !== 'settings.set') return null;
    const changed: Record<string, number> = {};
    for (const [setting, given] of Object.entries(args)) {
      const value = typeof given === 'boolean' ? Number(given) : given;
      if (!LIMITS.has(setting))
        return refused('setting_unknown', `${[...LIMITS.keys()].join(', ')} can be set.`);
      if (!isValid(setting, value)) return refused('setting_wrong', `${setting} is out of its limits.`);
      changed[setting] = value;
    }
    this.#values = { ...this.#values, ...changed };
    return this.#done();
  }

  #done(): DeviceCommandResult {
    return { error: null, values: { ...this.#values } };
  }
}

function isValid(name: string, value: unknown): value is number {
  const limits = LIMITS.get(name);
  if (limits === undefined || typeof value !== 'number' || !Number.isInteger(value)) return false;
  return value >= limits.least && value <= limits.most;
}

function refused(
  code: 'setting_unknown' | 'setting_wrong' | 'command_argument_wrong',
  message: string,
): DeviceCommandResult {
  return { error: { code, message }, values: {} };
}
