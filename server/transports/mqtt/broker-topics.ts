import { parseUuid } from '../../../proto/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { mountpointOf } from '../frames/topic-rules.ts';

/** What devices say of themselves, in the tree of any network. */
const SAID = [
  'readings/#',
  'state/#',
  'settings/#',
  'capabilities',
  'results',
  'shadow/get',
  'shadow/report',
];
const CAPABILITIES = 'capabilities';

/**
 * What is wanted from a broker that serves several networks: what devices say, and nothing that the server says there. Its rules
 * let a device publish under its own id alone, so the topic says who speaks; topics without an id don't, and are left out.
 */
export const SAID_FILTERS: readonly string[] = [
  ...SAID.map((said) => `networks/+/devices/+/${said}`),
  'bifrost/v1/+/up',
];

/** What devices said of themselves before anybody listened: who has said it takes commands. */
export const RETAINED_FILTERS: readonly string[] = [`networks/+/devices/+/${CAPABILITIES}`];

/** Where somebody spoke, on such a broker. */
export interface BrokerTopic {
  readonly deviceId: DeviceId;
  /** Null: it is a frame, which says its network itself. */
  readonly networkId: NetworkId | null;
  /** The topic in the network's tree. */
  readonly topic: string;
  /** True: it says what the device can do. */
  readonly isCapabilities: boolean;
}

/** Who speaks on this topic; null: nobody that we know. */
export function brokerTopicOf(topic: string): BrokerTopic | null {
  const [root, first = '', devices, second = '', ...rest] = topic.split('/');
  if (root === 'bifrost') {
    const deviceId = devices === undefined ? null : parseUuid(devices);
    if (deviceId === null) return null;
    return { deviceId: asId<DeviceId>(deviceId), networkId: null, topic, isCapabilities: false };
  }
  const networkId = parseUuid(first);
  const deviceId = parseUuid(second);
  if (root !== 'networks' || devices !== 'devices' || networkId === null || deviceId === null) return null;
  const whose = { deviceId: asId<DeviceId>(deviceId), networkId: asId<NetworkId>(networkId) };
  const inTree = topic.slice(mountpointOf(whose.networkId).length);
  return { ...whose, topic: inTree, isCapabilities: rest.length === 1 && rest[0] === CAPABILITIES };
}
