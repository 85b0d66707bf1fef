import { fillOffice } from '../support/crowd.ts';
import { next, ready, recordAndOpen, recordEmergency, WANDERER } from '../support/story.ts';
import type { Phone } from '../support/phone.ts';
import { raise } from '../support/store.ts';
import { settled, takePictures } from '../support/picture.ts';
import { test } from '../support/test.ts';

/** As long as names get: a Dao woman's name with a married name, a village with its commune's old name. */
const LONG = {
  name: 'Triệu Thị Hồng Nhung Phương Thảo Quỳnh Như',
  village: 'Khuổi Slao',
  trouble: 'Người cao tuổi',
  what: 'Bà ở nhà sàn cuối bản Khuổi Slao Thượng, sau ngầm tràn; mùa mưa nước ngập không ai qua được, con trai cả đi làm xa chưa về.',
};

async function picture(phone: Phone, path: string, name: string, state = 'full'): Promise<void> {
  await phone.open(path);
  await settled(phone.page);
  await takePictures(phone.page, name, state, { whole: true });
}

async function caseOf(phone: Phone, name: string | RegExp): Promise<string> {
  await phone.open('/cases');
  await phone.page.getByRole('link', { name }).first().click();
  await phone.page.waitForURL(/\/cases\/[^/]+$/);
  return new URL(phone.page.url()).pathname;
}

test('field-pages', async ({ phone }) => {
  await ready(phone, 'lan');
  await picture(phone, '/', 'today');
  await picture(phone, '/cases', 'cases');
  await phone.page.getByRole('searchbox').fill('không có ai tên này');
  await takePictures(phone.page, 'cases', 'none-found');
  const path = await caseOf(phone, /Phùng Mùi Nái/);
  await picture(phone, path, 'case');
  for (const part of ['visits', 'referrals', 'history', 'edit', 'visit', 'referral', 'task', 'consent']) {
    await picture(phone, `${path}/${part}`, `case-${part}`);
  }
  await picture(phone, '/referrals', 'own-referrals');
  await phone.page.getByRole('link', { name: /Phùng Mùi Nái/ }).first().click();
  await phone.page.getByLabel(/Câu trả lời/).waitFor();
  await takePictures(phone.page, 'referral-answer', 'full', { whole: true });
  for (const page of ['sync', 'more', 'more/facilities', 'more/numbers', 'more/help', 'person']) {
    await picture(phone, `/${page}`, page.replace('/', '-'));
  }
});

test('visit-errors', async ({ phone }) => {
  await ready(phone, 'lan');
  const path = await caseOf(phone, /Nông Văn Sliểng/);
  await phone.open(`${path}/visit`);
  await phone.page.getByRole('button', { name: '1 tuần nữa' }).click();
  await phone.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await takePictures(phone.page, 'case-visit', 'failed', { whole: true });
});

test('new-case', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.open('/cases/new');
  await page.getByLabel('Họ và tên').waitFor();
  await takePictures(page, 'new-case-1', 'empty', { whole: true });
  await next(page);
  await takePictures(page, 'new-case-1', 'failed', { whole: true });
  await page.getByLabel('Họ và tên').fill(LONG.name);
  await next(page);
  await takePictures(page, 'new-case-2', 'empty', { whole: true });
  await page.getByLabel('Thôn phụ trách').selectOption({ label: LONG.village });
  await next(page);
  await takePictures(page, 'new-case-3', 'empty', { whole: true });
  await next(page);
  await takePictures(page, 'new-case-3', 'failed', { whole: true });
  await page.getByRole('radio', { name: LONG.trouble }).check();
  await next(page);
  await page.getByLabel('Chuyện gì đã xảy ra?').fill(LONG.what);
  await takePictures(page, 'new-case-4', 'long', { whole: true });
  await next(page);
  await takePictures(page, 'new-case-5', 'empty', { whole: true });
  await page.getByRole('radio', { name: /^Bình thường/ }).check();
  await next(page);
  await page.getByRole('radio', { name: /^Đồng ý/ }).waitFor();
  await takePictures(page, 'new-case-6', 'empty', { whole: true });
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await takePictures(page, 'new-case-6', 'failed', { whole: true });
  await page.getByRole('radio', { name: /^Đồng ý/ }).check();
  await takePictures(page, 'new-case-6', 'agreed', { whole: true });
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.getByRole('heading', { name: 'Đã lưu trên máy này' }).waitFor();
  await takePictures(page, 'new-case-saved', 'full', { whole: true });
  await page.getByRole('link', { name: 'Mở hồ sơ' }).click();
  await page.getByRole('heading', { name: LONG.name }).waitFor();
  await takePictures(page, 'case', 'long', { whole: true });
  await picture(phone, '/cases', 'cases', 'long');
});

test('emergency', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await phone.open('/emergency');
  await page.getByLabel('Chỗ gặp').waitFor();
  await takePictures(page, 'emergency', 'empty', { whole: true });
  await page.getByRole('button', { name: 'Lưu và gọi ngay' }).click();
  await takePictures(page, 'emergency', 'failed', { whole: true });
  await phone.open('/');
  await recordEmergency(page, WANDERER);
  await page.getByText('Xin chị gọi ngay').first().waitFor();
  await takePictures(page, 'emergency-saved', 'offline', { whole: true });
  await page.getByRole('button', { name: 'Đã báo Công an xã Bản Mây' }).click();
  await takePictures(page, 'emergency-saved', 'told', { whole: true });
  const path = new URL(page.url()).pathname.replace('/emergency', '/cases');
  await picture(phone, path, 'case', 'emergency');
  await picture(phone, '/', 'today', 'offline');
  await picture(phone, '/sync', 'sync', 'offline');
  await picture(phone, '/more', 'more', 'offline');
});

test('held', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  const refused = { refused: { why: { field: { spot: 'next_visit', why: 'too_early' } } } };
  await page.route('**/api/push', async (route) => {
    const { batch } = route.request().postDataJSON() as { batch: { changes: unknown[] } };
    await route.fulfill({ json: batch.changes.map(() => refused) });
  });
  const path = await recordAndOpen(phone, LONG);
  await page.getByText('Cần anh/chị xem lại').first().waitFor();
  await takePictures(page, 'case', 'held', { whole: true });
  await picture(phone, '/sync', 'sync', 'held');
  await picture(phone, '/', 'today', 'held');
  await picture(phone, `${path}/history`, 'case-history', 'held');
});

test('session-ended', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  phone.isToldOf(401);
  await phone.context.clearCookies();
  await recordAndOpen(phone, LONG);
  await phone.open('/');
  await page.getByText('Phiên đăng nhập đã hết').first().waitFor();
  await settled(page);
  await takePictures(page, 'today', 'session-ended', { whole: true });
  await picture(phone, '/sync', 'sync', 'session-ended');
  await phone.open('/login');
  await page.getByLabel('Mật khẩu').waitFor();
  await takePictures(page, 'log-in', 'session-ended', { whole: true });
  await page.getByRole('button', { name: 'Đăng nhập' }).click();
  await takePictures(page, 'log-in', 'failed', { whole: true });
});

test('nothing-yet', async ({ phone }) => {
  await ready(phone, 'ha');
  for (const [path, name] of [['/', 'today'], ['/cases', 'cases'], ['/referrals', 'own-referrals']] as const) {
    await picture(phone, path, name, 'empty');
  }
});

test('a-thousand-cases', async ({ phone }) => {
  await ready(phone, 'lan');
  await fillOffice(phone, 1_000);
  await phone.open('/cases');
  await settled(phone.page);
  await takePictures(phone.page, 'cases', 'thousand');
  await phone.page.evaluate(() => window.scrollTo(0, 40_000));
  await takePictures(phone.page, 'cases', 'thousand-below');
  await phone.open('/');
  await settled(phone.page);
  await takePictures(phone.page, 'today', 'thousand', { whole: true });
});

test('unopened', async ({ phone }) => {
  await ready(phone, 'lan');
  await raise(phone);
  // A picture by itself has no icon of its own, and the browser asks for one.
  phone.complaints.length = 0;
  await phone.open('/');
  await phone.page.getByText('Dữ liệu trên máy thuộc bản mới hơn').waitFor();
  await takePictures(phone.page, 'today', 'unopened');
});
