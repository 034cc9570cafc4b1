import { type Browser, chromium, type Page } from 'playwright-core';
import { requireDebianPackage } from './apt.ts';

/** Debian's browser without a window; installed first where it is missing. It asks nothing of the internet. */
export async function launchChromium(): Promise<Browser> {
  await requireDebianPackage('chromium', 'chromium');
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Gives a page an authenticator of its own that makes and uses passkeys without asking anybody (Web Authentication Level 3, section 11). */
export async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
}
