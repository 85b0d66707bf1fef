// What people do in the field app, told in its own words. It knows the screens, not how they are tested.
import type { Page } from '@playwright/test';

import type { Phone } from './phone.ts';

export interface NewCase {
  name: string;
  village: string;
  /** One of the eight kinds of trouble. */
  trouble: string;
  what: string;
}

export const SLIENG: NewCase = {
  name: 'Nông Thị Sliêng',
  village: 'Nà Thông',
  trouble: 'Người cao tuổi',
  what: 'Bà sống một mình ở đầu bản, ngã hai lần trong tháng, chân đau không đi rẫy được.',
};

/** Signs in on the open page and waits until the office has answered for the first time. */
export async function begin(phone: Phone, userName: string): Promise<void> {
  await phone.open('/');
  await phone.logIn(userName);
  await phone.page.getByText(/Xã nhận lần cuối|Cập nhật/).first().waitFor();
}

export async function goOn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
}

/** Answers the six questions of a new case and gives the address of the case. */
export async function recordCase(phone: Phone, about: NewCase): Promise<string> {
  const { page } = phone;
  await phone.open('/cases/new');
  await page.getByLabel('Họ và tên').fill(about.name);
  await goOn(page);
  await page.getByLabel('Thôn phụ trách').selectOption({ label: about.village });
  await goOn(page);
  await page.getByRole('radio', { name: about.trouble }).check({ force: true });
  await goOn(page);
  await page.getByLabel('Chuyện gì đã xảy ra?').fill(about.what);
  await goOn(page);
  await page.getByRole('radio', { name: /^Bình thường/ }).check({ force: true });
  await goOn(page);
  await page.getByRole('radio', { name: /^Đồng ý/ }).check({ force: true });
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.getByRole('heading', { name: 'Đã lưu trên máy này' }).waitFor();
  await page.getByRole('link', { name: 'Mở hồ sơ' }).click();
  await page.getByRole('heading', { name: about.name }).waitFor();
  return new URL(page.url()).pathname;
}

/** Writes a visit that ends with an appointment in a week. */
export async function recordVisit(phone: Phone, path: string, seen: string): Promise<void> {
  const { page } = phone;
  await phone.open(`${path}/visit`);
  await page.getByLabel('Gặp ai?').fill('Bà và hàng xóm');
  await page.getByLabel('Thấy và nghe những gì?').fill(seen);
  await page.getByRole('button', { name: '1 tuần nữa' }).click();
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith('/visit'));
}

/** Somebody without a name at the bus shelter, found now. */
export async function recordEmergency(phone: Phone): Promise<void> {
  const { page } = phone;
  await phone.open('/emergency');
  await page.getByRole('button', { name: 'Nam', exact: true }).click();
  await page.getByLabel('Tuổi (ước chừng cũng được)').fill('60');
  await page.getByLabel('Thôn phụ trách').selectOption({ label: 'Nà Thông' });
  await page.getByLabel('Chỗ gặp').fill('Nhà chờ xe Nà Thông');
  const what = page.getByRole('textbox', { name: /Chuyện gì đang xảy ra/ });
  await what.fill('Không nói được tên, người lạnh, chân phải đau');
  await page.getByRole('button', { name: 'Lưu và gọi ngay' }).click();
  await page.getByRole('heading', { name: 'Chưa rõ họ tên (nam, khoảng 60 tuổi)' }).waitFor();
}
