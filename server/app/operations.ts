import type { Operation } from '../kernel/operation.ts';
import { createAnthropicOperations } from '../transports/anthropic/transport.ts';
import { CONNECTION_OPERATION, FRAME_OPERATIONS, TOPIC_OPERATIONS } from '../transports/frames/operations.ts';
import { createOpenAiOperations, type OpenAiServices } from '../transports/openai/transport.ts';
import type { HttpOperation } from '../transports/pipeline/http-operation.ts';
import { SESSION_OPERATIONS } from '../transports/ratatoskr/operations.ts';
import { createDocumentationRoutes } from '../transports/rest/documentation-routes.ts';
import { createPageRoutes } from '../transports/rest/page-routes.ts';
import { createRestRoutes } from '../transports/rest/routes.ts';
import { createServerRoutes, type ServerRoutesDependencies } from '../transports/rest/server-routes.ts';
import type { RestServices } from '../transports/rest/services.ts';

/** What the operations that HTTP reaches are built of. */
export type HttpServices = RestServices &
  OpenAiServices &
  ServerRoutesDependencies &
  Parameters<typeof createPageRoutes>[0];

/** The catalogue: every operation there is, by the transport that serves it. */
export interface Catalogue {
  readonly rest: readonly HttpOperation[];
  readonly openai: readonly HttpOperation[];
  readonly anthropic: readonly HttpOperation[];
  /** Frames, connections and MQTT topics of devices, and sessions of Ratatoskr. */
  readonly devices: readonly Operation[];
}

/** Builds the catalogue. The services are only named here; none is called. */
export function createCatalogue(services: HttpServices): Catalogue {
  const names: string[] = [];
  const rest = createRestRoutes(services, () => names);
  const api = [...rest, ...createServerRoutes(services), ...createPageRoutes(services)];
  const openai = createOpenAiOperations(services);
  const anthropic = createAnthropicOperations(services);
  const described = [...api, ...openai, ...anthropic];
  const devices = [
    CONNECTION_OPERATION,
    ...FRAME_OPERATIONS.values(),
    ...TOPIC_OPERATIONS,
    ...SESSION_OPERATIONS,
  ];
  const documentation = createDocumentationRoutes(described, devices, {
    title: 'Yggdrasil',
    version: '1',
    description:
      'Devices, networks, money and computing time. `/v1` speaks the conventions of OpenAI and Anthropic.',
  });
  names.push(...described.map(({ operation }) => operation));
  return { rest: [...api, ...documentation], openai, anthropic, devices };
}
