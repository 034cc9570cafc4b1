// LED control: blinks, and does what `Script_<name>` says. Arguments: `on` (true, false), `period_ms`.
import { actuator, request, timer } from 'yggdrasil';

let isOn: bool = false;

function show(on: bool): void {
  isOn = on;
  actuator.set('led', on ? 1 : 0);
}

/** Called when the script begins to run. */
export function start(): void {
  timer.every(0, 500);
}

/** Called when a timer ends. */
export function tick(id: i32): void {
  show(!isOn);
}

/** Called by `Script_<name>`: 0 for done, any other number for a refusal. */
export function command(): i32 {
  const on = request.number('on');
  const period = request.number('period_ms');
  if (on == on) {
    timer.stop(0);
    show(on != 0);
  }
  if (period == period) {
    if (period < 20 || period > 60000) return 1;
    timer.every(0, period as i32);
  }
  request.answer('on', isOn ? 1 : 0);
  return 0;
}

/** Called before the script ends. */
export function stop(): void {
  show(false);
}
