import net from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { type DescriptorWatch, watchDescriptors } from '../listening/descriptor-watch.ts';
import { PortUnavailableError } from '../listening/port-unavailable.ts';
import { closeListenSocket, type ListenSocket, listenExclusively, localPort, type NativeApp } from './uws.ts';

/** Where an app takes connections. */
export interface Listener {
  /** The port. Rejects with `PortUnavailableError` when the address can't be bound. */
  open(): Promise<number>;
  /** Connections that are open stay open. */
  close(): void;
}

/**
 * Listens for `app`, and rests while the process has no descriptors left: the library would try to accept without a pause,
 * at full CPU, and can't be told to wait, so that its socket is closed and opened again.
 */
export function createListener(
  app: NativeApp,
  { host, port }: { readonly host: string; readonly port: number },
  dependencies: { readonly budget: ConnectionBudget; readonly clock: Clock; readonly logger: Logger },
): Listener {
  const { budget } = dependencies;
  let socket: ListenSocket | null = null;
  let watch: DescriptorWatch | null = null;
  const closeSocket = () => {
    if (socket !== null) closeListenSocket(socket);
    socket = null;
  };
  return {
    async open() {
      socket = listenExclusively(app, host, port);
      if (socket === null) throw new PortUnavailableError('HTTP', host, port, await bindFailure(host, port));
      const bound = localPort(socket);
      watch = watchDescriptors(dependencies, {
        exhausted() {
          budget.rest();
          closeSocket();
        },
        free() {
          socket = listenExclusively(app, host, bound);
          if (socket === null) return false;
          budget.resume();
          return true;
        },
      });
      return bound;
    },
    close() {
      watch?.stop();
      closeSocket();
    },
  };
}

/** Why an address couldn't be bound: asks the operating system once more, because the library doesn't say. */
function bindFailure(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve('unknown')));
  });
}
