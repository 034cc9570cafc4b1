import type { AddressInfo } from 'node:net';
import { printDone } from '../../node/print.ts';
import { stopSignal } from '../../node/process.ts';
import { createRuleEndpoint } from './server.ts';

/** The options of `rule-endpoint`. */
export interface RuleEndpointOptions {
  readonly host: string;
  readonly port: number;
  readonly model: string;
  readonly json?: boolean;
}

/** Serves until SIGINT or SIGTERM. Throws an Error when it can't listen there. */
export async function runRuleEndpoint({ host, port, model, json }: RuleEndpointOptions): Promise<void> {
  const stop = stopSignal();
  const server = createRuleEndpoint({ model });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}/v1`;
  printDone({ json: json === true }, { url }, `Listening on ${url}`);
  stop.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
}
