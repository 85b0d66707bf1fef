// Every main screen in the other language.
import { settled, takePictures } from '../support/picture.ts';
import { ready, recordEmergency, row, tab, WANDERER } from '../support/story.ts';
import type { Phone } from '../support/phone.ts';
import { expect, test } from '../support/test.ts';

async function inEnglish(phone: Phone, name: string): Promise<void> {
  await ready(phone, name);
  await tab(phone.page, 'Khác');
  await phone.page.getByRole('button', { name: 'English' }).click();
  await expect(phone.page.locator('html')).toHaveAttribute('lang', 'en');
  await phone.page.getByRole('navigation', { name: 'Main sections' }).waitFor();
}

async function picture(phone: Phone, path: string, name: string): Promise<void> {
  await phone.open(path);
  await settled(phone.page);
  await takePictures(phone.page, `en-${name}`, 'full', { whole: true });
}

async function caseOf(phone: Phone, code: string): Promise<string> {
  await phone.open('/cases');
  return (await row(phone.page, code).getAttribute('href')) ?? '';
}

test('english-village', async ({ phone }) => {
  await inEnglish(phone, 'lan');
  await picture(phone, '/', 'today');
  await picture(phone, '/cases', 'cases');
  const path = await caseOf(phone, 'XN4C73');
  await picture(phone, path, 'case');
  for (const part of ['visits', 'referrals', 'history', 'edit', 'visit', 'task', 'consent']) {
    await picture(phone, `${path}/${part}`, `case-${part}`);
  }
  await picture(phone, '/referrals', 'own-referrals');
  for (const name of ['sync', 'more', 'more/facilities', 'more/numbers', 'more/help', 'person']) {
    await picture(phone, `/${name}`, name.replace('/', '-'));
  }
});

test('english-new-case', async ({ phone }) => {
  const { page } = phone;
  await inEnglish(phone, 'lan');
  await phone.open('/cases/new');
  const onward = page.getByRole('button', { name: 'Continue' });
  const shot = (n: number) => takePictures(page, `en-new-case-${n}`, 'full', { whole: true });
  await page.getByLabel('Full name').waitFor();
  await shot(1);
  await page.getByLabel('Full name').fill('Nông Thị Sliêng');
  await onward.click();
  await page.getByRole('combobox').first().waitFor();
  await shot(2);
  await page.getByRole('combobox').first().selectOption({ label: 'Nà Thông' });
  await onward.click();
  await page.getByRole('radio', { name: 'Older person' }).check();
  await shot(3);
  await onward.click();
  await page.getByLabel('What happened?').fill('She lives alone and fell twice this month.');
  await shot(4);
  await onward.click();
  await page.getByRole('radio', { name: /^Normal/ }).check();
  await shot(5);
  await onward.click();
  await page.getByRole('radio', { name: /^Agreed/ }).check();
  await shot(6);
  await page.getByRole('button', { name: 'Save on this phone' }).click();
  await page.getByRole('link', { name: 'Open the case' }).waitFor();
  await takePictures(page, 'en-new-case-saved', 'full', { whole: true });
  await page.getByRole('link', { name: 'Open the case' }).click();
  await page.getByRole('heading', { name: 'Nông Thị Sliêng' }).waitFor();
  await page.getByRole('contentinfo').getByRole('link', { name: 'Refer' }).click();
  await page.getByRole('heading', { name: 'What help is needed?' }).waitFor();
  await takePictures(page, 'en-ask-1', 'full', { whole: true });
  await page.getByRole('radio', { name: 'A place to live, care' }).check();
  await takePictures(page, 'en-ask-2', 'full', { whole: true });
  await page.getByRole('radio').nth(1).click();
  await takePictures(page, 'en-ask-3', 'full', { whole: true });
});

test('english-emergency', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  const code = await recordEmergency(page, WANDERER);
  const path = new URL(page.url()).pathname;
  await phone.open('/more');
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await picture(phone, '/emergency', 'emergency');
  await phone.open(path);
  await page.getByText(code, { exact: true }).waitFor();
  await takePictures(page, 'en-emergency-saved', 'full', { whole: true });
});

test('english-desk', async ({ phone, anotherPhone }) => {
  const { page } = phone;
  await inEnglish(phone, 'hanh');
  await picture(phone, '/', 'today-supervisor');
  await picture(phone, '/referrals', 'queue');
  await row(page, 'X4HR7D').click();
  await page.getByRole('radio').first().waitFor();
  await takePictures(page, 'en-decide', 'empty', { whole: true });
  for (const name of ['Approve', 'Refuse', 'Return with a question']) {
    await page.getByRole('radio', { name, exact: true }).check();
    await takePictures(page, 'en-decide', name.split(' ')[0]?.toLowerCase() ?? '', { whole: true });
  }
  const centre = await anotherPhone({ width: 1280, height: 800 });
  await inEnglish(centre, 'thanh');
  await picture(centre, '/', 'today-facility');
  await picture(centre, '/referrals', 'inbox');
  await centre.page.getByRole('button', { name: 'Receive this person' }).first().click();
  await centre.page.getByRole('dialog').waitFor();
  await takePictures(centre.page, 'en-inbox-dialog', 'receive');
  await centre.page.keyboard.press('Escape');
  await centre.page.getByRole('link', { name: 'Look and answer' }).first().click();
  await centre.page.getByRole('radio').first().waitFor();
  await takePictures(centre.page, 'en-sheet', 'full', { whole: true });
});

test('english-log-in', async ({ phone }) => {
  const { page } = phone;
  await inEnglish(phone, 'lan');
  await phone.open('/person');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'en-dialog', 'log-out');
  await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await takePictures(page, 'en-log-in', 'full', { whole: true });
});
