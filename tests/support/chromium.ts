import { type Browser, chromium } from 'playwright-core';
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
