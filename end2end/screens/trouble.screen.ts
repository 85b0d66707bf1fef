// The phone itself is in trouble: no room, or what lies on it cannot be read.
import { settled, takePictures } from '../support/picture.ts';
import { ready, recordAndOpen, recordCase, SLIENG } from '../support/story.ts';
import { damage, fillUp } from '../support/store.ts';
import { test } from '../support/test.ts';

test('phone-full', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  const path = await recordAndOpen(phone, SLIENG);
  await phone.page.getByText('Xã đã nhận').first().waitFor();
  await phone.goOffline();
  await phone.open('/');
  await recordCase(phone.page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  await fillUp(phone);
  const { page } = phone;
  await phone.open(`${path}/visit`);
  await page.getByLabel('Gặp ai?').fill('Bà và hàng xóm');
  await page.getByLabel('Thấy và nghe những gì?').fill('Bà đi lại được trong nhà, còn đau khi leo dốc.');
  await page.getByRole('button', { name: '1 tuần nữa' }).click();
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.getByRole('alert').filter({ hasText: /\p{L}/u }).first().waitFor();
  await takePictures(page, 'case-visit', 'phone-full', { whole: true });
  await phone.goOnline();
  await phone.open('/');
  await page.getByText('Máy này đã đầy').first().waitFor();
  await takePictures(page, 'today', 'phone-full', { whole: true });
  await page.getByRole('contentinfo').getByRole('link', { name: /^Chờ gửi/ }).click();
  await page.getByRole('heading', { name: 'Đồng bộ' }).waitFor();
  await takePictures(page, 'sync', 'phone-full', { whole: true });
  await page.getByRole('button', { name: 'Thử gửi ngay' }).click();
  await page.locator('.notice').getByText('Máy này đã đầy').waitFor();
  await takePictures(page, 'sync', 'phone-full-tried');
});

test('phone-damaged', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.open('/cases');
  await page.getByRole('link', { name: /Hoàng Văn Dính/ }).first().click();
  await page.waitForURL(/\/cases\/[^/]+$/);
  const path = new URL(page.url()).pathname;
  await phone.installed();
  await phone.goOffline();
  await damage(phone, 'bundle');
  for (const [part, name] of [
    ['', 'case'],
    ['/visit', 'case-visit'],
    ['/task', 'case-task'],
    ['/referral', 'case-referral'],
    ['/edit', 'case-edit'],
    ['/history', 'case-history'],
    ['/consent', 'case-consent'],
  ] as const) {
    await phone.open(path + part);
    await settled(page);
    await takePictures(page, name, 'damaged', { whole: true });
  }
  await phone.open(path.replace('/cases/', '/emergency/'));
  await settled(page);
  await takePictures(page, 'emergency-saved', 'damaged', { whole: true });
  await phone.open('/referrals');
  await settled(page);
  await page.getByRole('link', { name: /Phùng Mùi Nái/ }).first().click();
  await settled(page);
  await takePictures(page, 'referral', 'damaged', { whole: true });

  // What only this phone had is counted and named, and nothing is said to be all sent.
  await phone.open('/');
  await recordCase(page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  await damage(phone, 'outbox');
  await phone.open('/');
  await page.getByRole('contentinfo').getByText('1 cần xem lại').waitFor();
  await settled(page);
  await takePictures(page, 'today', 'damaged', { whole: true });
  await phone.open('/cases');
  await settled(page);
  await takePictures(page, 'cases', 'damaged');
  await phone.open('/sync');
  await page.getByText('Có 1 mục chưa gửi mà máy này không mở ra được nữa').waitFor();
  await takePictures(page, 'sync', 'damaged', { whole: true });
});
