import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import uWS from 'uWebSockets.js';
import type { Tls } from '../tls/certificate.ts';

/** The library's request and answer. The request lives during the callback only, the answer until it is aborted. */
export type NativeRequest = HttpRequest;
export type NativeResponse = HttpResponse;
export type NativeApp = TemplatedApp;
export type ListenSocket = us_listen_socket;

/** An application, with TLS where there is a certificate. Answers don't name the library. */
export function createNativeApp(tls: Tls | null): NativeApp {
  (uWS as unknown as { _cfg(key: string): void })._cfg(WITHOUT_BANNER);
  if (tls === null) return uWS.App();
  const { certificateFile, keyFile } = tls.current();
  return uWS.SSLApp({
    cert_file_name: certificateFile,
    key_file_name: keyFile,
    ssl_ciphers: tls.versionMin === '1.3' ? NO_CIPHER_OF_TLS_1_2 : CIPHERS_OF_TLS_1_2,
  });
}

/**
 * The library speaks TLS 1.2 and 1.3 and can't be told otherwise, but takes a list of ciphers, which TLS 1.3 doesn't look at: those
 * with a key that both sides know need such a key, and there is none.
 */
const NO_CIPHER_OF_TLS_1_2 = 'PSK';
/** RFC 9325 section 4.2, and ChaCha20 for machines without AES instructions. */
const CIPHERS_OF_TLS_1_2 = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The library adds up these characters, and leaves out its header where the sum is right (`uWS_cfg` in its addon.cpp). */
const WITHOUT_BANNER = '999999990007';

/**
 * Binds exclusively, without SO_REUSEPORT: a second server on the same port must fail rather than take half of the
 * connections. Null when the address can't be bound; the library doesn't say why.
 */
export function listenExclusively(app: NativeApp, host: string, port: number): ListenSocket | null {
  let listening: ListenSocket | null = null;
  // The library takes options here as well, its types leave that out.
  const listen = app.listen.bind(app) as unknown as (
    host: string,
    port: number,
    options: number,
    bound: (socket: ListenSocket | false) => void,
  ) => void;
  listen(host, port, EXCLUSIVE_PORT, (socket) => {
    listening = socket === false ? null : socket;
  });
  return listening;
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: exported under a name that the types hide in an enum without a value. */
const EXCLUSIVE_PORT = 1;

/** The port that was bound, also when 0 was asked for. */
export function localPort(socket: ListenSocket): number {
  return uWS.us_socket_local_port(socket);
}

/** Connections that are open stay open. */
export function closeListenSocket(socket: ListenSocket): void {
  uWS.us_listen_socket_close(socket);
}

/** Tells of every connection of the app when it opens, and when it closes unless it has become a WebSocket. */
export function watchConnections(
  app: NativeApp,
  changed: (opened: boolean, native: NativeResponse) => void,
): void {
  const tell = (native: NativeResponse, change: number) => changed(Number(change) > 0, native);
  app.filter(tell as Parameters<NativeApp['filter']>[0]);
}
