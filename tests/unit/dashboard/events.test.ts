import { expect, it } from 'vitest';
import { createEventReader, type ServerEvent } from '../../../server/dashboard/api/event-reader.ts';

it('server-sent events are read the same wherever their pieces end', () => {
  const text =
    ': greeting\n\nevent: reading\ndata: {"a":1}\n\n:\n\nid: 4\ndata: one\ndata:two\n\ndata: cut off';
  const expected: readonly ServerEvent[] = [
    { name: 'reading', data: '{"a":1}' },
    { name: '', data: 'one\ntwo' },
  ];
  for (let split = 0; split <= text.length; split++) {
    const events: ServerEvent[] = [];
    const read = createEventReader((event) => events.push(event));
    read(text.slice(0, split));
    read(text.slice(split));
    expect(events, `split at ${split}`).toEqual(expected);
  }
});
