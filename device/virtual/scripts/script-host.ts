/** Something that a script did in a call; it takes effect when the call has ended, however it ended. */
export type ScriptEffect =
  | { readonly kind: 'log'; readonly level: 'error' | 'warn'; readonly text: string }
  | { readonly kind: 'actuator'; readonly name: string; readonly value: number }
  | { readonly kind: 'publish'; readonly name: string; readonly value: number; readonly unit: string }
  | { readonly kind: 'store' };

/** What the device has that scripts may touch. */
export interface ScriptBoard {
  /** The last reading; null for a sensor that isn't there. */
  readSensor(name: string): number | null;
  hasActuator(name: string): boolean;
  /** Levels of the pins, simulated; who tests sets inputs here. */
  readonly pins: Uint8Array;
}

/** When a timer ends next, and how long it takes; a period of 0 for one that ends once. */
export interface ScriptTimer {
  dueAtMs: number;
  periodMs: number;
}

/** What a script's functions read and change, apart from its own memory. */
export interface ScriptHost {
  readonly board: ScriptBoard;
  readonly timers: (ScriptTimer | null)[];
  readonly numbers: Map<string, number>;
  /** Pins that are outputs. */
  readonly outputs: Set<number>;
  /** Of the command that is being answered. */
  arguments: ReadonlyMap<string, number>;
  answers: Map<string, number>;
  effects: ScriptEffect[];
  nowMs(): number;
  /** Takes bytes from what the script may send and store in this minute; false when they aren't there. */
  spend(bytes: number): boolean;
}
