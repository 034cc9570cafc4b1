// A sensor with hysteresis: heats below `low`, stops above `high`, and changes nothing in between. Both outlast a restart.
// Arguments of `Script_<name>`: `low`, `high`, in degrees Celsius.
import { actuator, publish, request, sensor, storage, timer } from 'yggdrasil';

let isHeating: bool = false;

function bound(key: string, otherwise: f64): f64 {
  const kept = storage.get(key);
  return kept == kept ? kept : otherwise;
}

function heat(on: bool): void {
  if (on == isHeating) return;
  isHeating = on;
  actuator.set('led', on ? 1 : 0);
  publish('heating.state', on ? 1 : 0);
}

/** Called when the script begins to run. */
export function start(): void {
  timer.every(0, 200);
}

/** Called when a timer ends. */
export function tick(id: i32): void {
  const celsius = sensor.read('sensor.temperature');
  if (celsius < bound('low', 20)) heat(true);
  else if (celsius > bound('high', 22)) heat(false);
}

/** Called by `Script_<name>`: 0 for done, any other number for a refusal. */
export function command(): i32 {
  const low = request.number('low');
  const high = request.number('high');
  if (low == low && high == high) {
    if (low >= high) return 1;
    if (!storage.set('low', low) || !storage.set('high', high)) return 2;
  }
  request.answer('low', bound('low', 20));
  request.answer('high', bound('high', 22));
  request.answer('heating', isHeating ? 1 : 0);
  return 0;
}

/** Called before the script ends. */
export function stop(): void {
  heat(false);
}
