import { z } from 'zod';
import { WORLD_TYPES } from '../../../domains/devices/index.ts';
import {
  HEALTHS,
  LINK_TRANSPORTS,
  type Link,
  type TopologyChange,
  type TopologyDevice,
} from '../../../domains/topology/index.ts';
import { timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

const healthSchema = z
  .enum(HEALTHS)
  .describe('Connected and heard from; connected and silent; connected and in trouble; not connected.');

const linkSchema = z.object({
  transport: z.enum(LINK_TRANSPORTS),
  node: z.string().describe('The node of the server that it ends at.'),
  since: timeSchema,
  heardAt: timeSchema.nullable().describe('When something came over it last; null: nobody looks.'),
});

export const topologyDeviceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    worldType: z.enum(WORLD_TYPES),
    guest: z.boolean(),
    health: healthSchema,
    links: z.array(linkSchema).describe('Of a guest none is shown.'),
  })
  .meta({ id: 'TopologyDevice' });

const linkToJson = ({ transport, nodeId, sinceMs, heardAtMs }: Link) => ({
  transport,
  node: nodeId,
  since: toIsoTime(sinceMs),
  heardAt: toIsoTimeOrNull(heardAtMs),
});

/** A device and its links as REST shows them. */
export const topologyDeviceToJson = ({ links, ...device }: TopologyDevice) => ({
  ...device,
  links: links.map(linkToJson),
});

/** A change as REST shows it. */
export const topologyChangeToJson = ({ deviceId, health, links, atMs }: TopologyChange) => ({
  deviceId,
  health,
  links: links.map(linkToJson),
  at: toIsoTime(atMs),
});

const capabilitySchema = z.array(z.object({ name: z.string(), devices: z.int() }));

export const networkHealthSchema = z
  .object({
    status: z
      .enum(['healthy', 'degraded', 'down', 'empty'])
      .describe('Every device is reachable; some are; none is; there is none.'),
    counts: z.object({ reachable: z.int(), silent: z.int(), failing: z.int(), offline: z.int() }),
    capabilities: z
      .object({ sensors: capabilitySchema, actuators: capabilitySchema, commands: capabilitySchema })
      .describe('How many devices say that they have each, those of most first; 200 names at most.'),
  })
  .meta({ id: 'NetworkHealth' });
