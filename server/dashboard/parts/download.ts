import { send } from '../api/http.ts';

/** Gives somebody a file that the page has. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // After the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Gives somebody what the API answers, as a file. Throws what `send` throws. */
export async function saveAnswer(path: string, name: string, accept: string): Promise<void> {
  const response = await send('GET', `/api/v1${path}`, { headers: { accept } });
  saveFile(name, await response.blob());
}
