import { type FoundServer, findServers } from '../node/find-servers.ts';
import { printList } from '../node/print.ts';

/** `discover`: the servers of the local network. */
export async function discover(options: {
  readonly seconds: number;
  readonly json?: boolean;
}): Promise<void> {
  const columns = {
    SERVER: ({ name }: FoundServer) => name,
    URL: ({ url }: FoundServer) => url,
    MQTT: ({ mqttUrl }: FoundServer) => mqttUrl ?? '-',
  };
  const servers = await findServers(options.seconds * 1000);
  printList(options, servers, columns, 'No server is announced in this network.');
}
