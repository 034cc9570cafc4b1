import net from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { type DescriptorWatch, watchDescriptors } from '../listening/descriptor-watch.ts';
import { type ListeningProtocol, PortUnavailableError } from '../listening/port-unavailable.ts';
import { closeListenSocket, type ListenSocket, listenExclusively, localPort, type NativeApp } from './uws.ts';

/** A port that can't be had again is tried again after so many milliseconds. */
const REOPEN_PAUSE_MS = 200;

/** Where an app takes connections. */
export interface Listener {
  /** The port. Rejects with `PortUnavailableError` when the address can't be bound. */
  open(): Promise<number>;
  /** From now on connections belong to this app; those that are open stay with theirs. */
  serve(app: NativeApp): void;
  /** Connections that are open stay open. */
  close(): void;
}

/** Where it listens, and what is spoken there, for who has to find another port. */
export interface ListenerAddress {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly protocol: ListeningProtocol;
}

/**
 * Listens for `first`, and rests while the process has no descriptors left: the library would try to accept without a pause,
 * at full CPU, and can't be told to wait, so that its socket is closed and opened again.
 */
export function createListener(
  first: NativeApp,
  { host, port, protocol }: ListenerAddress,
  dependencies: { readonly budget: ConnectionBudget; readonly clock: Clock; readonly logger: Logger },
): Listener {
  const { budget, clock, logger } = dependencies;
  let app = first;
  let bound = port;
  let cancel: () => void = () => {};
  let socket: ListenSocket | null = null;
  let watch: DescriptorWatch | null = null;
  const closeSocket = () => {
    if (socket !== null) closeListenSocket(socket);
    socket = null;
  };
  // The library can't change the certificate of a socket. What knocks in this instant, or was not accepted yet, is refused.
  const reopen = () => {
    closeSocket();
    socket = listenExclusively(app, host, bound);
    if (socket !== null) return;
    logger.error({ host, port: bound }, 'the port was taken while the listener changed; trying again');
    cancel = clock.after(REOPEN_PAUSE_MS, reopen);
  };
  return {
    async open() {
      socket = listenExclusively(app, host, port);
      if (socket === null)
        throw new PortUnavailableError(protocol, host, port, await bindFailure(host, port));
      bound = localPort(socket);
      // Only a port that was asked for by its number can be bound again while there are connections to it.
      if (port === 0) reopen();
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
    serve(next) {
      app = next;
      // One that rests goes on with it.
      if (socket !== null) reopen();
    },
    close() {
      cancel();
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
