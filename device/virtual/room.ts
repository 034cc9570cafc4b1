/**
 * A simulated room: it loses heat to the outside in proportion to the difference (Newton's law of cooling), and a
 * heater with a thermostat warms it. No chance in it: the same times give the same temperatures.
 */
export interface Room {
  readonly temperatureCelsius: number;
  readonly heaterOn: boolean;
  /** Simulated seconds since midnight of the first day. */
  readonly timeSeconds: number;
}

const DAY_SECONDS = 86_400;
const OUTSIDE_MEAN_CELSIUS = 8;
const OUTSIDE_SWING_CELSIUS = 5;
/** After this time without heating, 63 % of the difference to the outside is gone: a well-built small room. */
const COOLING_SECONDS = 4 * 3_600;
/** What the heater would add in one hour to a room that loses nothing. */
const HEATER_CELSIUS_PER_HOUR = 9;
const THERMOSTAT_ON_BELOW_CELSIUS = 20;
const THERMOSTAT_OFF_ABOVE_CELSIUS = 22;
const STEP_SECONDS_MAX = 60;

/** The room at six in the morning, heater off. */
export const ROOM_AT_START: Room = { temperatureCelsius: 20.5, heaterOn: false, timeSeconds: 6 * 3_600 };

/** The temperature outside: coldest at four in the morning, warmest at four in the afternoon. */
export function outsideCelsius(timeSeconds: number): number {
  const phase = ((timeSeconds / DAY_SECONDS) * 24 - 10) / 24;
  return OUTSIDE_MEAN_CELSIUS + OUTSIDE_SWING_CELSIUS * Math.sin(2 * Math.PI * phase);
}

/** The room some simulated seconds later, computed in steps of a minute at most. */
export function roomAfter(room: Room, seconds: number): Room {
  let { temperatureCelsius, heaterOn, timeSeconds } = room;
  for (let left = seconds; left > 0; left -= STEP_SECONDS_MAX) {
    const step = Math.min(left, STEP_SECONDS_MAX);
    const target = outsideCelsius(timeSeconds);
    if (temperatureCelsius < THERMOSTAT_ON_BELOW_CELSIUS) heaterOn = true;
    else if (temperatureCelsius > THERMOSTAT_OFF_ABOVE_CELSIUS) heaterOn = false;
    temperatureCelsius = target + (temperatureCelsius - target) * Math.exp(-step / COOLING_SECONDS);
    if (heaterOn) temperatureCelsius += (HEATER_CELSIUS_PER_HOUR * step) / 3_600;
    timeSeconds += step;
  }
  return { temperatureCelsius, heaterOn, timeSeconds };
}

/** What the sensor shows: hundredths of a degree. */
export function readingCelsius(room: Room): number {
  return Math.round(room.temperatureCelsius * 100) / 100;
}
