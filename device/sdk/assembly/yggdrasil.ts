// What a script sees of the device it runs on. Every function of the device takes three i32 and returns one; its import is a
// number of `device/sdk/natives.ts`. A script imports only what it calls.
//
// A text is an AssemblyScript string: UTF-16 at its address, its length in bytes in the u32 before it. A number goes by
// the address of an f64. Nothing here allocates, so that a script's memory can't grow.

@external("yg", "1") declare function nativeLog(level: i32, text: usize, unused: i32): i32;
@external("yg", "2") declare function nativeClock(result: usize, unused: i32, alsoUnused: i32): i32;
@external("yg", "3") declare function nativeGpioMode(pin: i32, mode: i32, unused: i32): i32;
@external("yg", "4") declare function nativeGpioWrite(pin: i32, level: i32, unused: i32): i32;
@external("yg", "5") declare function nativeGpioRead(pin: i32, unused: i32, alsoUnused: i32): i32;
@external("yg", "6") declare function nativeSensorRead(name: usize, result: usize, unused: i32): i32;
@external("yg", "7") declare function nativeActuatorSet(name: usize, value: usize, unused: i32): i32;
@external("yg", "8") declare function nativeTimerSet(id: i32, milliseconds: i32, repeats: i32): i32;
@external("yg", "9") declare function nativePublish(name: usize, value: usize, unit: usize): i32;
@external("yg", "10") declare function nativeStorageGet(key: usize, result: usize, unused: i32): i32;
@external("yg", "11") declare function nativeStorageSet(key: usize, value: usize, unused: i32): i32;
@external("yg", "12") declare function nativeArgument(name: usize, result: usize, unused: i32): i32;
@external("yg", "13") declare function nativeAnswer(name: usize, value: usize, unused: i32): i32;

/** What the functions of a device answer; those below return whether it was OK. */
export namespace status {
  export const OK: i32 = 0;
  /** There is no such pin, sensor, actuator, key or argument. */
  export const UNKNOWN: i32 = 1;
  /** A number, a length or an address is outside what is accepted. */
  export const OUT_OF_RANGE: i32 = 2;
  /** The script has used up what it may send or store in this minute. */
  export const LIMIT: i32 = 3;
}

/** Where a number lies on its way to the device and back. */
const NUMBER: usize = memory.data(8, 8);

function put(value: f64): usize {
  store<f64>(NUMBER, value);
  return NUMBER;
}

function got(answer: i32): f64 {
  return answer == status.OK ? load<f64>(NUMBER) : NaN;
}

/** Pins of the board. */
export namespace gpio {
  export const INPUT: i32 = 0;
  export const OUTPUT: i32 = 1;

  /** Makes a pin an input or an output. False where the board has no such pin. */
  export function mode(pin: i32, direction: i32): bool {
    return nativeGpioMode(pin, direction, 0) == status.OK;
  }

  /** Sets an output high or low. False for a pin that is none. */
  export function write(pin: i32, level: bool): bool {
    return nativeGpioWrite(pin, level ? 1 : 0, 0) == status.OK;
  }

  /** Whether a pin is high; false also where the board has no such pin. */
  export function read(pin: i32): bool {
    return nativeGpioRead(pin, 0, 0) == 1;
  }
}

/** What the device measures, by the names in its capabilities. */
export namespace sensor {
  /** The last reading, NaN where there is none of this name. */
  export function read(name: string): f64 {
    return got(nativeSensorRead(changetype<usize>(name), NUMBER, 0));
  }
}

/** What the device can set, by the names in its capabilities. */
export namespace actuator {
  /** Sets it; 0 is off. False where there is none of this name. */
  export function set(name: string, value: f64): bool {
    return nativeActuatorSet(changetype<usize>(name), put(value), 0) == status.OK;
  }
}

/** Four timers, 0 to 3. `tick(id)` of the script is called. */
export namespace timer {
  /** Once, after so many milliseconds, at least 1. Replaces what the timer did. */
  export function after(id: i32, milliseconds: i32): bool {
    return nativeTimerSet(id, milliseconds, 0) == status.OK;
  }

  /** Again and again. At most as often as the script's limits let it be called; the device has no faster one than 10 ms. */
  export function every(id: i32, milliseconds: i32): bool {
    return nativeTimerSet(id, milliseconds, 1) == status.OK;
  }

  /** Stops a timer. */
  export function stop(id: i32): bool {
    return nativeTimerSet(id, 0, 0) == status.OK;
  }
}

/** Sends a reading or a state to the device's network. False when the script has sent too much in this minute. */
export function publish(name: string, value: f64, unit: string = ""): bool {
  return nativePublish(changetype<usize>(name), put(value), changetype<usize>(unit)) == status.OK;
}

/** Numbers that outlast a restart and a new version of the script: at most eight. */
export namespace storage {
  /** NaN where nothing is kept under the key. */
  export function get(key: string): f64 {
    return got(nativeStorageGet(changetype<usize>(key), NUMBER, 0));
  }

  /** Keeps a number. False where there is no room, or too much was written in this minute: flash wears out. */
  export function set(key: string, value: f64): bool {
    return nativeStorageSet(changetype<usize>(key), put(value), 0) == status.OK;
  }
}

/** The command that is being answered, in `command()` of the script. */
export namespace request {
  /** An argument: a number, or 1 and 0 for true and false. NaN where it was not given, or is a text. */
  export function number(name: string): f64 {
    return got(nativeArgument(changetype<usize>(name), NUMBER, 0));
  }

  /** Puts a value into the answer: at most four. */
  export function answer(name: string, value: f64): bool {
    return nativeAnswer(changetype<usize>(name), put(value), 0) == status.OK;
  }
}

/** Lines in the device's log. */
export namespace log {
  export function error(text: string): void {
    nativeLog(0, changetype<usize>(text), 0);
  }

  export function warn(text: string): void {
    nativeLog(1, changetype<usize>(text), 0);
  }
}

/** Milliseconds by the device's clock, which begins anywhere. */
export function now(): f64 {
  return got(nativeClock(NUMBER, 0, 0));
}
