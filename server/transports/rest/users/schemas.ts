import { z } from 'zod';
import { type Account, canonicalMailAddress, type OwnAccount } from '../../../domains/accounts/index.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

/** A mail address as people write it, in the form in which addresses are compared. */
export const emailSchema = z.string().max(254).trim().pipe(z.email()).transform(canonicalMailAddress);

/** A code from a mail. People type it in groups. */
export const mailCodeSchema = z
  .string()
  .max(50)
  .meta({ pattern: '^([\\s-]*\\d){8}[\\s-]*$' })
  .transform((code) => code.replaceAll(/[\s-]/g, ''))
  .pipe(z.string().regex(/^\d{8}$/, 'must be 8 digits'));

/** A recovery code as people type it, in groups or not. */
export const recoveryCodeSchema = z.string().max(100);

export const userSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    operator: z.boolean().describe('Runs the platform.'),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });

export const ownUserSchema = userSchema
  .extend({ email: z.string().nullable().describe('Where codes for your sign-in are sent.') })
  .meta({ id: 'OwnUser' });

export const newUserSchema = z.object({
  user: userSchema,
  token: z.string().describe('The credential of the user, shown this once.'),
});

/** A password as somebody types it. */
export const passwordSchema = z.string().min(1).max(256);

const PASSWORD_CHARACTERS_MIN = 12;
const TOO_SHORT = `must have ${PASSWORD_CHARACTERS_MIN} characters at least`;

/** One that is to be kept: it is what stands between the account and everybody (ASVS 5.0, 6.2.1 and 6.2.9). */
export const newPasswordSchema = z
  .string()
  .min(PASSWORD_CHARACTERS_MIN, TOO_SHORT)
  .max(256)
  // Counted as they are hashed: some characters are several units of a string, or come together in one.
  .refine((password) => [...password.normalize('NFKC')].length >= PASSWORD_CHARACTERS_MIN, TOO_SHORT)
  // Halves of characters are all hashed alike.
  .refine((password) => !/\p{Cs}/u.test(password), 'must be whole characters')
  .describe('12 to 256 characters. It is for this server alone.');

/** Whether a sign-in is kept in a cookie. */
export const cookieSchema = z
  .boolean()
  .default(false)
  .describe('For pages of the server: the token is kept in a cookie that no script reads.');

export const sentCodeSchema = z
  .object({
    codeId: z.uuid().describe('Goes with the code to `/api/v1/users/sessions`.'),
    expiresAt: timeSchema,
  })
  .describe('The same whether or not the address has an account: only its mail tells.');

export const csrfTokenSchema = z
  .string()
  .nullable()
  .describe(
    'Goes into the header X-CSRF-Token of every request with the cookie that is no GET; null: there is no cookie.',
  );

export const needsPasskeySchema = z
  .boolean()
  .describe(
    'The sign-in waits for a passkey, for 15 minutes: nothing else can be done with it before `/api/v1/users/sessions/complete`.',
  );

/** A sign-in as its page or program gets it. */
export const sessionSchema = z.object({
  token: z.string().nullable().describe('The credential, shown this once; null: it is in a cookie.'),
  csrfToken: csrfTokenSchema,
  needsPasskey: needsPasskeySchema,
  expiresAt: timeSchema.nullable().describe('When the token ends by itself; null: it does not.'),
});

/** A user as REST shows it. */
export const userToJson = ({ id, name, operator, createdAtMs }: Account) => ({
  id,
  name,
  operator,
  createdAt: toIsoTime(createdAtMs),
});

/** A user as it sees itself. */
export const ownUserToJson = (account: OwnAccount) => ({ ...userToJson(account), email: account.address });
