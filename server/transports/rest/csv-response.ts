import type { HttpResponse } from '../../platform/http/types.ts';

/** What a table can show; null is an empty cell. */
export type TableCell = string | number | boolean | null;

/** A table as RFC 4180 has it, in UTF-8. */
export function csvResponse(status: number, rows: readonly (readonly TableCell[])[]): HttpResponse {
  const body = rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
  return { status, headers: { 'content-type': 'text/csv; charset=utf-8', vary: 'accept' }, body };
}

/** A text is quoted where it must be, and where a spreadsheet would take it for a formula it begins with an apostrophe. */
function cell(value: TableCell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
