import { z } from 'zod';
import { AUDIO_BYTES_PER_TOKEN, IMAGE_TOKENS, IMAGE_TOKENS_LOW, IMAGE_URL_CHARACTERS_MAX } from './limits.ts';

const DATA_URL = /^data:(image\/(?:png|jpeg|gif|webp));base64,/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** How the bytes of each kind of image begin, as base64 has them (RFC 9649, RFC 2083, GIF89a, ISO 10918-1). */
const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  'image/png': /^iVBORw0KGgo/,
  'image/jpeg': /^\/9j\//,
  'image/gif': /^R0lGOD[dl]h/,
  'image/webp': /^UklGR/,
};

/** Names of machines that only a provider's own network knows. */
const LOCAL_NAME = /^(localhost|[^.]+|.*\.(local|localhost|internal|lan|home\.arpa))\.?$/i;

/** What is wrong with the address of an image; null: nothing. It is not fetched here. */
function problemOfImage(url: string): string | null {
  const data = DATA_URL.exec(url);
  if (data !== null) {
    const [prefix, type = ''] = data;
    const base64 = url.slice(prefix.length);
    const isImage = BASE64.test(base64) && base64.length % 4 === 0 && BEGINNINGS[type]?.test(base64);
    return isImage ? null : `it is no ${type} in base64`;
  }
  if (url.length > IMAGE_URL_CHARACTERS_MAX) return 'the address is too long';
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    return 'it must be an https address, or data:image/png, jpeg, gif or webp in base64';
  if (parsed.username !== '' || parsed.password !== '') return 'an address with a password is not passed on';
  return isLocal(parsed.hostname) ? "an address inside somebody's network is not passed on" : null;
}

/** A provider's endpoint would look there in its owner's network. Addresses by number are never where pictures are. */
function isLocal(hostname: string): boolean {
  return hostname.startsWith('[') || /^[0-9.]+$/.test(hostname) || LOCAL_NAME.test(hostname);
}

/** An image, inside the request or at an address that the provider's endpoint fetches. */
export const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().superRefine((url, context) => {
      const message = problemOfImage(url);
      if (message !== null) context.addIssue({ code: 'custom', message });
    }),
    detail: z.enum(['auto', 'low', 'high']).nullish(),
  }),
});

/** Sound inside the request. */
export const audioPart = z.strictObject({
  type: z.literal('input_audio'),
  input_audio: z.strictObject({
    data: z.string().refine((data) => BASE64.test(data) && data.length % 4 === 0, 'it is not base64'),
    format: z.enum(['wav', 'mp3']),
  }),
});

type MediaPart = z.output<typeof imagePart> | z.output<typeof audioPart>;

/** Tokens that an image or a sound is taken to have: an estimate, as only its model knows. */
export function mediaTokens(part: MediaPart): number {
  if (part.type === 'image_url') return part.image_url.detail === 'low' ? IMAGE_TOKENS_LOW : IMAGE_TOKENS;
  return Math.ceil((part.input_audio.data.length * 3) / 4 / AUDIO_BYTES_PER_TOKEN);
}
