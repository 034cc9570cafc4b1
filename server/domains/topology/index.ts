export { createTopologyService, type TopologyService } from './service.ts';
export {
  CAPABILITY_LISTS,
  HEALTHS,
  LINK_TRANSPORTS,
  type Link,
  type NetworkHealth,
  type TopologyChange,
  type TopologyDevice,
} from './types.ts';
