import type { RestApi } from '../node/rest-api.ts';
import { printable } from '../node/terminal.ts';

/** A device as the API shows it, as far as this program looks. */
export interface ShownDevice {
  readonly id: string;
  readonly name: string;
  readonly assignedId: string | null;
  readonly worldType: string;
  readonly networkIds: readonly string[];
  readonly capabilities: {
    readonly platform: string;
    readonly firmware: string;
    readonly sensors: readonly string[];
    readonly actuators: readonly string[];
    readonly commands: readonly string[];
  } | null;
  readonly status: 'active' | 'inactive' | 'offline';
  readonly lastSeenAt: string | null;
  readonly createdAt: string;
}

/** A network, as far as this program looks. */
export interface ShownNetwork {
  readonly id: string;
  readonly name: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** True for an id; anything else is a name. */
export const isId = (text: string): boolean => UUID.test(text);

/** The device of this id, of this id that its owner gave it, or of this name. Throws an Error where that isn't one. */
export async function findDevice(api: RestApi, said: string): Promise<ShownDevice> {
  if (isId(said)) return api.ask('GET', `/api/v1/devices/${said.toLowerCase()}`);
  const found: ShownDevice[] = [];
  for await (const device of api.list<ShownDevice>('/api/v1/devices')) {
    if (isCalled(said, device.name, device.assignedId)) found.push(device);
  }
  return theOne(found, `device is called ${said}`);
}

/** The network of this id or name. Throws an Error where that isn't one. */
export async function findNetwork(api: RestApi, said: string): Promise<ShownNetwork> {
  if (isId(said)) return api.ask('GET', `/api/v1/networks/${said.toLowerCase()}`);
  const found: ShownNetwork[] = [];
  for await (const network of api.list<ShownNetwork>('/api/v1/networks')) {
    if (isCalled(said, network.name, null)) found.push(network);
  }
  return theOne(found, `network is called ${said}`);
}

const isCalled = (said: string, ...names: readonly (string | null)[]): boolean =>
  names.some((name) => name?.toLowerCase() === said.toLowerCase());

function theOne<Item extends { readonly id: string }>(found: readonly Item[], called: string): Item {
  const [one, other] = found;
  if (one === undefined) throw new Error(`No ${printable(called)}.`);
  if (other === undefined) return one;
  throw new Error(
    `More than one ${printable(called)}: give an id, ${found.map(({ id }) => id).join(' or ')}.`,
  );
}
