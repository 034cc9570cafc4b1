// Remote control of pins. Arguments of `Script_<name>`: `pin`, and `level` (true, false) to set it. Answers the level.
import { gpio, log, request } from 'yggdrasil';

/** Called by `Script_<name>`: 0 for done, any other number for a refusal. */
export function command(): i32 {
  const pin = request.number('pin');
  const level = request.number('level');
  if (!(pin >= 0 && pin < 40)) return 1;
  if (level == level) {
    if (!gpio.mode(pin as i32, gpio.OUTPUT) || !gpio.write(pin as i32, level != 0)) {
      log.warn('no such pin');
      return 2;
    }
  }
  request.answer('level', gpio.read(pin as i32) ? 1 : 0);
  return 0;
}
