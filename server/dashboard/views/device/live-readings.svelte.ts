import { follow } from '../../api/live.ts';
import type { Reading } from '../../api/types.ts';

/**
 * The last value of each reading of a device, as they come. However many come, what is shown changes once a frame; what can't be
 * drawn in time is passed over, not kept.
 */
export class LiveReadings {
  #values = $state.raw<ReadonlyMap<string, Reading>>(new Map());
  #connected = $state(false);
  readonly #deviceId: string;

  constructor(deviceId: string) {
    this.#deviceId = deviceId;
  }

  /** By name, in its order. */
  get values(): readonly Reading[] {
    return [...this.#values.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The last of this name; undefined: there is none. */
  find(name: string): Reading | undefined {
    return this.#values.get(name);
  }

  /** False: newer ones may be on their way. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Follows until it is stopped. */
  follow(): () => void {
    let arrived = new Map<string, Reading>();
    let drawing = 0;
    const draw = () => {
      drawing = 0;
      this.#values = new Map([...this.#values, ...arrived]);
      arrived = new Map();
    };
    const stop = follow(
      { operation: 'devices.readings.follow', params: { deviceId: this.#deviceId } },
      ({ name, data }) => {
        if (name !== 'reading') return;
        const reading = JSON.parse(data) as Reading;
        arrived.set(reading.name, reading);
        if (drawing === 0) drawing = requestAnimationFrame(draw);
      },
      (is) => {
        this.#connected = is;
      },
    );
    return () => {
      stop();
      cancelAnimationFrame(drawing);
    };
  }
}
