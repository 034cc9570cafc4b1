import { type Cell, renderTable } from './terminal.ts';

/** A line of JSON to standard output. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** A line of text to standard output. */
export const printLine = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** What a command says when it is done: for people, and with `--json` for programs. */
export function printDone(options: { readonly json?: boolean }, facts: object, text: string): void {
  if (options.json === true) printJson(facts);
  else printLine(text);
}

/** A list: a line of JSON for each item with `--json`, else a table, or `empty` where there is nothing. */
export function printList<Item>(
  options: { readonly json?: boolean },
  items: readonly Item[],
  columns: Readonly<Record<string, (item: Item) => Cell>>,
  empty: string,
): void {
  if (options.json === true) for (const item of items) printJson(item);
  else if (items.length === 0) process.stderr.write(`${empty}\n`);
  else {
    const cells = Object.values(columns);
    printLine(
      renderTable(
        Object.keys(columns),
        items.map((item) => cells.map((cell) => cell(item))),
      ),
    );
  }
}
