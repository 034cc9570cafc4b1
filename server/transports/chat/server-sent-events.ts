// JSON has no line breaks, so a value is one line of the event stream format (WHATWG HTML section 9.2.5).

/** An event without a name. */
export function serverSentEvent(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** An event with a name. */
export function namedEvent(name: string, value: object): string {
  return `event: ${name}\n${serverSentEvent(value)}`;
}
