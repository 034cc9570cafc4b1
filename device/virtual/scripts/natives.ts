import { ANSWERS_MAX, STORED_MAX, TEXT_CHARACTERS_MAX, TIMER_MS_MIN } from '../../scripts/limits.ts';
import { Native, NativeStatus } from '../../sdk/natives.ts';
import type { ScriptHost } from './script-host.ts';

const { OK, UNKNOWN, OUT_OF_RANGE, LIMIT } = NativeStatus;
const NUMBER_BYTES = 8;

type NativeFunction = (a: number, b: number, c: number) => number;

/** Where texts and numbers of a script are. Memory beyond what its manifest says isn't there for the device either. */
export class ScriptMemory {
  readonly #view: DataView;

  constructor(memory: WebAssembly.Memory | undefined, bytes: number) {
    this.#view = new DataView(memory?.buffer ?? new ArrayBuffer(0), 0, bytes);
  }

  /** An AssemblyScript string of printable ASCII; null for anything else. */
  text(address: number): string | null {
    if (!this.#isInside(address - 4, 4)) return null;
    const bytes = this.#view.getUint32(address - 4, true);
    if (bytes % 2 !== 0 || bytes > TEXT_CHARACTERS_MAX * 2 || !this.#isInside(address, bytes)) return null;
    let text = '';
    for (let at = address; at < address + bytes; at += 2) {
      const character = this.#view.getUint16(at, true);
      if (character < 0x20 || character > 0x7e) return null;
      text += String.fromCharCode(character);
    }
    return text;
  }

  /** A finite number; null for anything else. */
  number(address: number): number | null {
    if (!this.#isInside(address, NUMBER_BYTES)) return null;
    const value = this.#view.getFloat64(address, true);
    return Number.isFinite(value) ? value : null;
  }

  /** Answers a script's question for a number; `UNKNOWN` for null. */
  give(address: number, value: number | null): number {
    if (!this.#isInside(address, NUMBER_BYTES)) return OUT_OF_RANGE;
    if (value === null) return UNKNOWN;
    this.#view.setFloat64(address, value, true);
    return OK;
  }

  #isInside(address: number, bytes: number): boolean {
    return address >= 0 && address + bytes <= this.#view.byteLength;
  }
}

/** The functions that a script imports, by number: `device/core/yg_natives.c` in TypeScript. */
export function createNatives(host: ScriptHost, memory: () => ScriptMemory): Record<string, NativeFunction> {
  const named = (address: number, work: (name: string) => number) => {
    const name = memory().text(address >>> 0);
    return name === null || name === '' ? OUT_OF_RANGE : work(name);
  };
  const withNumber = (name: number, value: number, work: (name: string, value: number) => number) =>
    named(name, (text) => {
      const number = memory().number(value >>> 0);
      return number === null ? OUT_OF_RANGE : work(text, number);
    });
  const give = (address: number, value: number | null | undefined) =>
    memory().give(address >>> 0, value ?? null);
  const isPin = (pin: number) => pin >= 0 && pin < host.board.pins.length;
  return {
    [Native.LOG]: (level, address) =>
      named(address, (text) => {
        if (!host.spend(text.length)) return LIMIT;
        host.effects.push({ kind: 'log', level: level === 0 ? 'error' : 'warn', text });
        return OK;
      }),
    [Native.CLOCK]: (result) => give(result, host.nowMs()),
    [Native.GPIO_MODE]: (pin, direction) => {
      if (!isPin(pin)) return UNKNOWN;
      if (direction === 1) host.outputs.add(pin);
      else host.outputs.delete(pin);
      return OK;
    },
    [Native.GPIO_WRITE]: (pin, level) => {
      if (!isPin(pin) || !host.outputs.has(pin)) return UNKNOWN;
      host.board.pins[pin] = level === 0 ? 0 : 1;
      return OK;
    },
    [Native.GPIO_READ]: (pin) => (isPin(pin) ? (host.board.pins[pin] ?? 0) : -1),
    [Native.SENSOR_READ]: (name, result) => named(name, (text) => give(result, host.board.readSensor(text))),
    [Native.ACTUATOR_SET]: (nameAt, valueAt) =>
      withNumber(nameAt, valueAt, (name, value) => {
        if (!host.board.hasActuator(name)) return UNKNOWN;
        host.effects.push({ kind: 'actuator', name, value });
        return OK;
      }),
    [Native.TIMER_SET]: (id, milliseconds, repeats) => setTimer(host, id, milliseconds, repeats !== 0),
    [Native.PUBLISH]: (nameAt, valueAt, unitAt) =>
      withNumber(nameAt, valueAt, (name, value) => {
        const unit = memory().text(unitAt >>> 0);
        if (unit === null) return OUT_OF_RANGE;
        if (!host.spend(name.length + unit.length + NUMBER_BYTES)) return LIMIT;
        host.effects.push({ kind: 'publish', name, value, unit });
        return OK;
      }),
    [Native.STORAGE_GET]: (key, result) => named(key, (text) => give(result, host.numbers.get(text))),
    [Native.STORAGE_SET]: (keyAt, valueAt) =>
      withNumber(keyAt, valueAt, (key, value) => {
        if (!host.numbers.has(key) && host.numbers.size >= STORED_MAX) return OUT_OF_RANGE;
        if (host.numbers.get(key) === value) return OK;
        if (!host.spend(key.length + NUMBER_BYTES)) return LIMIT;
        host.numbers.set(key, value);
        host.effects.push({ kind: 'store' });
        return OK;
      }),
    [Native.ARGUMENT]: (name, result) => named(name, (text) => give(result, host.arguments.get(text))),
    [Native.ANSWER]: (nameAt, valueAt) =>
      withNumber(nameAt, valueAt, (name, value) => {
        if (!host.answers.has(name) && host.answers.size >= ANSWERS_MAX) return OUT_OF_RANGE;
        host.answers.set(name, value);
        return OK;
      }),
  };
}

function setTimer(host: ScriptHost, id: number, milliseconds: number, repeats: boolean): number {
  if (id < 0 || id >= host.timers.length || milliseconds < 0) return OUT_OF_RANGE;
  const periodMs = Math.max(TIMER_MS_MIN, milliseconds);
  host.timers[id] =
    milliseconds === 0 ? null : { dueAtMs: host.nowMs() + periodMs, periodMs: repeats ? periodMs : 0 };
  return OK;
}
