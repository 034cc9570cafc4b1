import uws from 'uWebSockets.js';

/** A file as a server of ours answers it. */
export interface BareFile {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A bare uWebSockets.js server that has the answers in memory. It asks for no rights, writes no log and counts nothing. */
export function createPart() {
  return {
    listen: (files: readonly BareFile[]) =>
      new Promise<number>((resolve) => {
        const app = uws.App();
        for (const { path, headers, body } of files) {
          app.get(path, (response) => {
            response.cork(() => {
              for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
              response.end(body);
            });
          });
        }
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      }),
  };
}

export type BareStatic = ReturnType<typeof createPart>;
