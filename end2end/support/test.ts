// What every test starts from: an office and a phone of its own, and a console that stayed silent.
import { expect, test as base } from '@playwright/test';

import { Office } from './office.ts';
import { Phone, type PhoneOptions } from './phone.ts';

interface Fixtures {
  office: Office;
  phone: Phone;
  /** Gives further phones, for the colleagues of a story. */
  anotherPhone: (options?: PhoneOptions) => Promise<Phone>;
}

export const test = base.extend<Fixtures>({
  office: async ({}, use, info) => {
    const office = await Office.start();
    await use(office);
    await office.stop();
    if (info.status !== info.expectedStatus) {
      await info.attach('office.log', { body: office.log, contentType: 'text/plain' });
    }
  },
  anotherPhone: async ({ office }, use, info) => {
    const phones: Phone[] = [];
    await use(async (options) => {
      const phone = await Phone.start(office, options);
      phones.push(phone);
      return phone;
    });
    // What each of them shows, when a story has ended badly.
    if (info.status !== info.expectedStatus) {
      for (const [n, { page }] of phones.entries()) {
        await page.screenshot({ path: info.outputPath(`phone-${n + 1}.png`) }).catch(() => {});
      }
    }
    for (const phone of phones) await phone.put();
    const met = (line: string): boolean => !(office.wasAway && /net::ERR_/.test(line));
    for (const phone of phones) expect(phone.complaints.filter(met)).toEqual([]);
  },
  phone: async ({ anotherPhone }, use) => {
    await use(await anotherPhone());
  },
});

export { expect };
