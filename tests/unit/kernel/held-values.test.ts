import { expect, it } from 'vitest';
import { HeldValues } from '../../../server/kernel/held-values.ts';

interface Value {
  readonly key: string;
  content: string;
}

const makeValue = (key: string): Value => ({ key, content: '' });

it('reads a value once for all who ask meanwhile and after, and they see one object', async () => {
  let reads = 0;
  const values = new HeldValues(makeValue, async (key, value) => {
    reads++;
    value.content = `read ${key}`;
  });
  const [first, second] = await Promise.all([values.load('a'), values.load('a')]);
  const third = await values.load('a');
  expect([reads, first.content]).toEqual([1, 'read a']);
  expect([second, third, values.peek('a')]).toEqual([first, first, first]);
  expect([...values.held()]).toEqual([['a', first]]);
});

it('that can not be read is not there, and is read again', async () => {
  let fails = true;
  const values = new HeldValues(makeValue, async () => {
    if (fails) throw new Error('the database is away');
  });
  await expect(values.load('a')).rejects.toThrow('away');
  expect(values.peek('a')).toBeUndefined();
  fails = false;
  expect((await values.load('a')).key).toBe('a');
});

it('that is being read is known already to who changes it', async () => {
  let finish: () => void = () => undefined;
  const values = new HeldValues(makeValue, () => new Promise<void>((resolve) => (finish = resolve)));
  const loading = values.load('a');
  const known = values.peek('a');
  if (known !== undefined) known.content = 'changed meanwhile';
  finish();
  expect((await loading).content).toBe('changed meanwhile');
});
