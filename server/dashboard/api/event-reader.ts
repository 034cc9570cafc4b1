/** One event of a stream (WHATWG HTML section 9.2). */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** Cuts a stream of server-sent events into events, wherever its pieces end. Comments are left out. */
export function createEventReader(receive: (event: ServerEvent) => void): (text: string) => void {
  let rest = '';
  let name = '';
  let data: string[] = [];
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) receive({ name, data: data.join('\n') });
        name = '';
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line.startsWith('event:')) name = line.slice(6).trim();
    }
  };
}
