// Several people on one phone, and several tabs: a hand-over in two taps, with nothing of one in front of another.
import type { Page, Request } from '@playwright/test';

import { ready, recordCase, row, SLIENG, synced, tab } from '../support/story.ts';
import { NEWER, OtherSite } from '../support/site.ts';
import { expect, test } from '../support/test.ts';
import type { Phone } from '../support/phone.ts';

const LAN = 'Nông Thị Lan';
const DIEP = 'Hứa Thị Bích Diệp';
const HANH = 'Vi Thị Hạnh';

/** Two taps: the letter at the end of the bar, then a name. */
async function handOver(page: Page, to: string): Promise<void> {
  await page.getByRole('button', { name: /đang dùng máy\. Đổi người$/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: new RegExp(`^${to}`) }).click();
}

async function joins(phone: Phone, userName: string): Promise<void> {
  await phone.page.getByRole('button', { name: /Đổi người$/ }).click();
  await phone.page.getByRole('dialog').getByRole('link', { name: 'Thêm người dùng' }).click();
  await phone.logIn(userName);
  await synced(phone.page);
}

test('three people hand one phone over in two taps from any page, and nothing of one is shown to another', async ({
  phone,
}) => {
  test.setTimeout(300_000);
  const { page } = phone;
  await ready(phone, 'lan');
  await joins(phone, 'diep');
  await expect(page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
  await joins(phone, 'hanh');
  await expect(page.getByRole('heading', { name: 'Chào chị Hạnh' })).toBeVisible();
  await phone.installed();
  await phone.goOffline();

  // Lan looks for somebody, saves a case and begins another; then the phone goes round from the middle of the form.
  await handOver(page, LAN);
  await expect(page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await recordCase(page, SLIENG);
  await phone.open('/cases');
  await page.getByRole('searchbox').fill('Sliêng');
  await expect(row(page, SLIENG.name)).toBeVisible();
  await tab(page, 'Hôm nay');
  await page.getByRole('link', { name: 'Ghi hồ sơ mới' }).click();
  await page.getByLabel('Họ và tên').fill('Bế Văn Dở Dang');
  await handOver(page, DIEP);
  await expect(page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
  await expect(page.getByText('Bế Văn Dở Dang')).toHaveCount(0);
  await page.getByRole('link', { name: 'Ghi hồ sơ mới' }).click();
  await expect(page.getByLabel('Họ và tên')).toHaveValue('');
  await page.goBack();
  await tab(page, 'Hồ sơ');
  await expect(page.getByRole('searchbox')).toHaveValue('');
  await expect(row(page, SLIENG.name)).toHaveCount(0);

  // Of the others only a count is seen.
  await page.getByRole('button', { name: /Đổi người$/ }).click();
  const others = page.getByRole('dialog');
  await expect(others.getByRole('button', { name: new RegExp(`^${LAN}`) })).toContainText('1 mục chưa gửi');
  await expect(others).not.toContainText(SLIENG.name);
  await others.getByRole('button', { name: new RegExp(`^${HANH}`) }).click();
  await expect(page.getByRole('heading', { name: 'Chào chị Hạnh' })).toBeVisible();
  await expect(page.getByText('Bế Văn Dở Dang')).toHaveCount(0);

  // Lan finds the form as she left it, though she never paused long enough for it to be written down by itself.
  await handOver(page, LAN);
  await expect(page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await page.getByRole('link', { name: /Ghi hồ sơ mới|Bế Văn Dở Dang/ }).first().click();
  await expect(page.getByLabel('Họ và tên')).toHaveValue('Bế Văn Dở Dang');
  await phone.goOnline();
  await phone.open('/cases');
  await expect(row(page, SLIENG.name)).toContainText('Xã đã nhận', { timeout: 30_000 });
});

test('whoever logged out writes only the password', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  await joins(phone, 'diep');
  await phone.open('/person');
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('button', { name: new RegExp(`^${LAN}`) }).click();
  await expect(page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await handOver(page, DIEP);
  await expect(page.getByLabel('Tên đăng nhập')).toHaveValue('diep');
  await page.getByLabel('Mật khẩu').fill('cau-noi-demo');
  await page.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
});

test('two tabs of one person sync one at a time, and each shows what the other writes', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const other = await phone.context.newPage();
  await other.goto(`${phone.network.url}/cases`);
  await synced(other);
  // Never two runs of one person at a time: each call ends before the next begins, whichever tab makes it.
  const open = new Set<Request>();
  let most = 0;
  phone.context.on('request', (request) => {
    if (!/\/api\/(push|pull)$/.test(request.url())) return;
    open.add(request);
    most = Math.max(most, open.size);
  });
  const ended = (request: Request): void => {
    open.delete(request);
  };
  phone.context.on('requestfinished', ended);
  phone.context.on('requestfailed', ended);
  await recordCase(page, SLIENG);
  await expect(row(other, SLIENG.name)).toBeVisible();
  await expect(row(other, SLIENG.name)).toContainText('Xã đã nhận', { timeout: 30_000 });
  for (const each of [page, other]) await each.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect.poll(() => open.size).toBe(0);
  expect(most).toBe(1);

  // A draft of one stands in the other; whoever leaves, leaves in both.
  await page.goto(`${phone.network.url}/cases/new`);
  await page.getByLabel('Họ và tên').fill('Bế Văn Dở Dang');
  await page.getByText('Bản nháp đã lưu trên máy này').waitFor();
  await tab(other, 'Hôm nay');
  await expect(other.getByText('Bản nháp chưa xong')).toBeVisible();
  await phone.open('/person');
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Đăng xuất' }).click();
  await expect(other.getByRole('heading', { name: 'Đăng nhập' })).toBeVisible();
  await expect(other.getByText('Bản nháp chưa xong')).toHaveCount(0);
});

test('a new build agreed to in one tab opens in the other too, with what was being typed', async ({ office, phone }) => {
  test.setTimeout(240_000);
  const newer = await OtherSite.newer();
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.installed();
  await office.restart({ site: newer.folder });
  await phone.reload();
  await phone.opened();
  await expect(page.locator('html')).toHaveAttribute('data-update', 'ready');
  const other = await phone.context.newPage();
  await other.goto(`${phone.network.url}/cases/new`);
  await other.getByLabel('Họ và tên').fill('Bế Văn Dở Dang');
  await page.evaluate(() => window.dispatchEvent(new Event('cn-update-agreed')));
  await expect(page.locator('html')).toHaveAttribute('data-build', NEWER);
  // Somebody types there: the page waits for them, and says so.
  await expect(other.getByText('Bản mới của ứng dụng đã mở ở thẻ khác')).toBeVisible();
  await other.getByRole('button', { name: 'Mở lại' }).click();
  await expect(other.locator('html')).toHaveAttribute('data-build', NEWER);
  await expect(other.getByText('Ứng dụng vừa đổi sang bản mới')).toBeVisible();
  await expect(other.getByLabel('Họ và tên')).toHaveValue('Bế Văn Dở Dang');
  await newer.remove();
});
