import { reportConnection, reportLive } from './connection.svelte.ts';
import { actsIn, onCredentialsChanged, storedToken } from './credentials.ts';
import { createEventReader, type ServerEvent } from './event-reader.ts';
import { reportSignedOut } from './http.ts';

/** A stream of the API, by its operation's name. */
export interface Followed {
  readonly operation: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** What the server says of the stream with this number. */
interface ServerMessage {
  readonly id: number;
  readonly status?: number;
  readonly data?: string;
  readonly end?: string;
}

const WAIT_MS_MIN = 1_000;
const WAIT_MS_MAX = 30_000;
/** After so much silence the line is dead: every stream has a comment at least every 15 seconds. */
const SILENCE_MS_MAX = 40_000;
/** So long something may be missing before that is said. */
const UNTOLD_MS_MAX = 2_000;
/** A page that nobody looks at follows nothing after so long. */
const HIDDEN_MS_MAX = 60_000;

/** A stream that somebody wants, whatever becomes of the line. */
class Stream {
  readonly followed: Followed;
  readonly #connected: (is: boolean) => void;
  readonly #receive: (event: ServerEvent) => void;
  waitMs = WAIT_MS_MIN;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Its number on the line; null: it isn't asked for at the moment. */
  id: number | null = null;
  read: (text: string) => void = () => undefined;
  isConnected = false;

  constructor(followed: Followed, receive: (event: ServerEvent) => void, connected: (is: boolean) => void) {
    this.followed = followed;
    this.#receive = receive;
    this.#connected = connected;
  }

  begin(id: number): void {
    this.id = id;
    this.read = createEventReader(this.#receive);
  }

  connect(): void {
    this.waitMs = WAIT_MS_MIN;
    this.isConnected = true;
    this.#connected(true);
  }

  lose(): void {
    clearTimeout(this.timer);
    this.id = null;
    this.isConnected = false;
    this.#connected(false);
  }
}

/** The one WebSocket over which everything live comes. It is open while something is wanted and somebody looks at the page. */
class Line {
  readonly #wanted = new Set<Stream>();
  #socket: WebSocket | null = null;
  #lastId = 0;
  #waitMs = WAIT_MS_MIN;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #untold: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#look());
    addEventListener('online', () => this.#open());
    onCredentialsChanged(() => this.#restart());
  }

  add(stream: Stream): void {
    this.#wanted.add(stream);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ask(stream);
    else this.#open();
    this.#tell();
  }

  remove(stream: Stream): void {
    this.#wanted.delete(stream);
    clearTimeout(stream.timer);
    if (stream.id !== null) this.#send({ stop: stream.id });
    this.#tell();
  }

  /** Says whether all that is wanted comes; that something is new, or gone for a moment, is nothing to say. */
  #tell(): void {
    clearTimeout(this.#untold);
    if ([...this.#wanted].every(({ isConnected }) => isConnected)) reportLive(true);
    else this.#untold = setTimeout(() => reportLive(false), UNTOLD_MS_MAX);
  }

  #open(): void {
    clearTimeout(this.#timer);
    if (this.#socket !== null || this.#wanted.size === 0 || document.hidden) return;
    const token = storedToken();
    const protocols = ['yggdrasil.live.v1', ...(token === null ? [] : [`bearer.${token}`])];
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live`, protocols);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#lastId = 0;
    this.#hear();
    socket.onopen = () => {
      reportConnection(true);
      this.#waitMs = WAIT_MS_MIN;
      for (const stream of this.#wanted) this.#ask(stream);
    };
    socket.onmessage = ({ data }) => {
      this.#hear();
      this.#receive(JSON.parse(new TextDecoder().decode(data as ArrayBuffer)) as ServerMessage);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose();
    };
  }

  #ask(stream: Stream): void {
    const id = ++this.#lastId;
    const tenantId = actsIn();
    stream.begin(id);
    this.#send({ follow: id, ...stream.followed, ...(tenantId === null ? {} : { tenantId }) });
  }

  #send(message: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive({ id, status, data, end }: ServerMessage): void {
    const stream = [...this.#wanted].find((one) => one.id === id);
    if (stream === undefined) return;
    if (data !== undefined) stream.read(data);
    if (status !== undefined) this.#answered(stream, status);
    if (end !== undefined) this.#retry(stream);
  }

  #answered(stream: Stream, status: number): void {
    if (status < 400) {
      stream.connect();
      this.#tell();
    } else if (status >= 500 || status === 429) this.#retry(stream);
    else {
      // Who may not follow, may not a second later either.
      this.#wanted.delete(stream);
      this.#tell();
      if (status === 401) reportSignedOut();
    }
  }

  /** The line is there, and the stream isn't: it is asked for again later. */
  #retry(stream: Stream): void {
    stream.lose();
    this.#tell();
    stream.timer = setTimeout(() => {
      if (this.#socket?.readyState === WebSocket.OPEN) this.#ask(stream);
    }, stream.waitMs);
    stream.waitMs = Math.min(stream.waitMs * 2, WAIT_MS_MAX);
  }

  #hear(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#wanted.size === 0) return;
      reportConnection(false);
      this.#restart();
    }, SILENCE_MS_MAX);
  }

  /** The line is gone: it is opened again, if something is wanted still. */
  #lose(): void {
    this.#close();
    this.#timer = setTimeout(() => this.#open(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, WAIT_MS_MAX);
  }

  #close(): void {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const stream of this.#wanted) stream.lose();
    this.#tell();
  }

  #restart(): void {
    this.#close();
    this.#open();
  }

  /** Nobody who comes back waits half a minute. */
  #look(): void {
    clearTimeout(this.#hidden);
    if (document.hidden) this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS_MAX);
    else this.#open();
  }
}

let line: Line | null = null;

/**
 * Follows a stream until it is stopped, and takes it up again when it breaks: after sleep, after a restart of the server. `connected`
 * says whether what was received is all there is up to now.
 */
export function follow(
  followed: Followed,
  receive: (event: ServerEvent) => void,
  connected: (is: boolean) => void,
): () => void {
  line ??= new Line();
  const own = line;
  const stream = new Stream(followed, receive, connected);
  own.add(stream);
  return () => own.remove(stream);
}
