import { Groups } from '../../kernel/groups.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { JointPlace } from './joint-types.ts';
import type { ActionKey } from './types.ts';

/** Names the action of a part. */
type PartKey = Pick<JointPlace, 'tenantId' | 'actionId'>;

const keyOf = ({ tenantId, actionId }: PartKey) => `${tenantId} ${actionId}`;
const wholeOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;

/** Parts of joint actions that have not ended. What happens to a device, or to one whole, costs as much as it has parts. */
export class OpenParts {
  readonly #byAction = new Map<string, JointPlace>();
  readonly #ofDevice = new Groups<DeviceId, JointPlace>();
  readonly #ofWhole = new Groups<string, JointPlace>();

  add(place: JointPlace): void {
    this.remove(place);
    this.#byAction.set(keyOf(place), place);
    this.#ofDevice.add(place.deviceId, place);
    this.#ofWhole.add(wholeOf(place), place);
  }

  find(part: PartKey): JointPlace | undefined {
    return this.#byAction.get(keyOf(part));
  }

  remove(part: PartKey): void {
    const place = this.find(part);
    if (place === undefined) return;
    this.#byAction.delete(keyOf(place));
    this.#ofDevice.remove(place.deviceId, place);
    this.#ofWhole.remove(wholeOf(place), place);
  }

  ofDevice(deviceId: DeviceId, networkId: NetworkId): readonly JointPlace[] {
    return [...this.#ofDevice.of(deviceId)].filter((place) => place.networkId === networkId);
  }

  ofWhole(key: ActionKey): readonly JointPlace[] {
    return [...this.#ofWhole.of(wholeOf(key))];
  }
}
