import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { espImageInfo, namesMissingInFirmware } from '../../../device/native/esp-image.ts';
import { layout } from '../../../device/native/layout.ts';

/** Of the C library, which on a board is ESP-IDF's: the heap, the serial line, the clock. */
const OF_C_LIBRARY = ['__heap_end', '__heap_start', 'gettimeofday', 'stdin', 'stdout'];
const key = Buffer.alloc(32, 7).toString('base64url');
const id = '00000000-0000-4000-8000-0000000000d2';
const credentials = { deviceId: id, networkId: id, token: 'secret', signingKey: key };
const network = { ssid: 'home', server: 'https://h', mqtt: 'mqtts://h:8883', authority: 'PEM' };

function giveLines(lines: readonly (string | object)[]): string[] {
  const input = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const { stdout } = spawnSync(`${layout.build('host')}/provision-lines`, { input, encoding: 'utf8' });
  return stdout.trim().split('\n');
}

describe('the firmware for ESP-IDF', () => {
  it('calls nothing that is not declared', () => {
    const declared = readdirSync(layout.esp, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.h'))
      .map((path) => readFileSync(`${layout.esp}/${path}`, 'utf8'))
      .join('\n');
    const missing = namesMissingInFirmware();
    expect(missing).toContain('esp_ota_set_boot_partition');
    const unknown = missing.filter((name) => !new RegExp(`\\b${name}\\b`).test(declared));
    expect(unknown.sort()).toEqual(OF_C_LIBRARY);
  });

  it('makes an application image of the ESP32-C3 whose checksum and hash are right', () => {
    const info = espImageInfo();
    expect(info).toContain('Chip ID: 5 (ESP32-C3)');
    expect(info).toMatch(/Checksum: \w+ \(valid\)/);
    expect(info).toMatch(/Validation hash: \w+ \(valid\)/);
    expect(info).toMatch(/0x42000020 .* IROM/);
  });

  it('carries no command out twice and forgets none, wherever power is lost in an entry of NVS', () => {
    const { status, stdout } = spawnSync(`${layout.build('host')}/journal-cuts-nvs`, { encoding: 'utf8' });
    console.log(stdout);
    expect(stdout).toMatch(/ [1-9]\d* losses, [1-9]\d* second losses, 0 failures/);
    expect(status).toBe(0);
  });

  it('is set up by lines of JSON, each taken as a whole or not at all', () => {
    expect(giveLines([network, { credentials }])).toEqual(['taken', 'taken', 'can claim, is complete']);
    expect(giveLines([network, 'claim'])).toEqual(['taken', 'claim', "can claim, isn't complete"]);
    const wrong = [
      { ...network, scriptKey: 'short' },
      { ...network, credentials: { ...credentials, token: '' } },
      { colour: 1 },
      '["ssid"]',
      'nonsense',
    ];
    for (const line of wrong)
      expect(giveLines([line])).toEqual(
        expect.arrayContaining(['not understood', "can't claim, isn't complete"]),
      );
    expect(giveLines([{ ...network, authority: '' }, { credentials }]).at(-1)).toBe(
      "can't claim, isn't complete",
    );
    expect(giveLines([network, { credentials }, 'forget']).at(-1)).toBe("can't claim, isn't complete");
  });
});
