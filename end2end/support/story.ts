// What people do in the stories: signing in, recording, sending, reading. Buttons and fields by the words they show.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Phone } from './phone.ts';

/** Six characters that nobody mishears. */
export const CODE = /^[ACDEFGHKMNPRTVWXY34679]{6}$/;

/** Signs in and waits until the first pull has come. */
export async function ready(phone: Phone, name: string): Promise<void> {
  await phone.open('/');
  await phone.logIn(name);
  await synced(phone.page);
}

/** The office has answered this person. */
export async function synced(page: Page): Promise<void> {
  await expect(page.getByText(/Xã nhận lần cuối|Cập nhật/).first()).toBeVisible({ timeout: 30_000 });
}

export async function tab(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Các mục chính' }).getByRole('link', { name }).click();
}

/** As a change is written on the wire. */
interface SentChange {
  recorded_at: number;
  body: string | { seen?: unknown; referral_acted?: { act: unknown } };
}

/** What the app writes by itself when somebody has a case on the screen. */
function isLook({ body }: SentChange): boolean {
  if (typeof body === 'string') return body === 'looked';
  return 'seen' in body || body.referral_acted?.act === 'look';
}

/** Taps a button whose change goes to the office at once, and waits until the office has answered just that change. */
export async function send(page: Page, name: string, within: Page | Locator = page): Promise<void> {
  const tapped = await page.evaluate(() => Date.now());
  const answered = page.waitForResponse((response) => {
    if (!response.url().endsWith('/api/push')) return false;
    const { batch } = response.request().postDataJSON() as { batch: { changes: SentChange[] } };
    return batch.changes.some((change) => change.recorded_at >= tapped && !isLook(change));
  });
  await within.getByRole('button', { name, exact: true }).click();
  expect((await answered).status()).toBe(200);
}

/** The row of a case in the list of cases, found by name, alias or code. */
export function row(page: Page, shown: string): Locator {
  return page.getByRole('link', { name: new RegExp(shown) });
}

export interface PlainCase {
  name: string;
  what: string;
  village?: string;
  /** One of the eight kinds of trouble. */
  trouble?: string;
}

export const SLIENG: PlainCase = {
  name: 'Nông Thị Sliêng',
  what: 'Bà sống một mình ở đầu bản, ngã hai lần trong tháng, chân đau không đi rẫy được.',
};

/** Answers the six questions of a new case from Hôm nay; gives its code. */
export async function recordCase(page: Page, about: PlainCase): Promise<string> {
  const { name, what, village = 'Nà Thông', trouble = 'Người cao tuổi' } = about;
  await page.getByRole('link', { name: 'Ghi hồ sơ mới' }).click();
  await page.getByLabel('Họ và tên').fill(name);
  await next(page);
  await page.getByLabel('Thôn phụ trách').selectOption({ label: village });
  await next(page);
  await page.getByRole('radio', { name: trouble }).check();
  await next(page);
  await page.getByLabel('Chuyện gì đã xảy ra?').fill(what);
  await next(page);
  await page.getByRole('radio', { name: /^Bình thường/ }).check();
  await next(page);
  await page.getByRole('radio', { name: /^Đồng ý/ }).check();
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(page.getByRole('heading', { name: 'Đã lưu trên máy này' })).toBeVisible();
  return page.getByText(CODE).innerText();
}

export async function next(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
}

/** Records a case as [recordCase], opens it and gives its address. */
export async function recordAndOpen(phone: Phone, about: PlainCase): Promise<string> {
  const { page } = phone;
  await phone.open('/');
  await recordCase(page, about);
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

export interface Emergency {
  /** Empty: nobody knows it. */
  name?: string;
  sex: 'Nam' | 'Nữ';
  age: string;
  village?: string;
  place: string;
  /** The tile; without it the one the form suggests. */
  trouble?: string;
  what: string;
}

/** Somebody without a name at the bus shelter, found now. */
export const WANDERER: Emergency = {
  sex: 'Nam',
  age: '60',
  place: 'Nhà chờ xe Nà Thông',
  what: 'Không nói được tên, người lạnh, chân phải đau',
};

/** Fills KHẨN CẤP from Hôm nay and saves it; gives the code of the case. */
export async function recordEmergency(page: Page, emergency: Emergency): Promise<string> {
  const { name, sex, age, village = 'Nà Thông', place, trouble, what } = emergency;
  await page.getByRole('link', { name: 'KHẨN CẤP', exact: true }).click();
  if (name) {
    await page.getByRole('switch', { name: 'Chưa rõ họ tên' }).uncheck();
    await page.getByLabel('Họ và tên').fill(name);
  }
  await page.getByRole('button', { name: sex, exact: true }).click();
  await page.getByLabel('Tuổi (ước chừng cũng được)').fill(age);
  await page.getByLabel('Thôn phụ trách').selectOption({ label: village });
  await page.getByLabel('Chỗ gặp').fill(place);
  if (trouble) await page.getByRole('radio', { name: trouble }).check();
  await page.getByRole('textbox', { name: 'Chuyện gì đang xảy ra?' }).fill(what);
  await page.getByRole('button', { name: 'Lưu và gọi ngay' }).click();
  await expect(page.getByRole('heading', { name: 'Đã báo cho ai' })).toBeVisible();
  return page.getByText(CODE).innerText();
}

/** The subjects of each push that the office has answered, in the order in which they were sent. */
export function watchPushes(page: Page): string[][] {
  const pushes: string[][] = [];
  // A push of the time without network went nowhere, and goes again.
  page.on('response', (response) => {
    if (!response.url().endsWith('/api/push')) return;
    const { batch } = response.request().postDataJSON() as { batch: { changes: { subject: string }[] } };
    pushes.push(batch.changes.map((change) => change.subject));
  });
  return pushes;
}

/** Everything that the office hands to this phone in pages opened from now on, as it came. */
export async function watchPulls(phone: Phone): Promise<string[]> {
  const pulls: string[] = [];
  // The app reads answers piece by piece, and of those the browser keeps no copy to ask for afterwards.
  await phone.context.exposeFunction('pulled', (text: string) => pulls.push(text));
  await phone.context.addInitScript(() => {
    const page = window as unknown as { pulled(text: string): Promise<void> };
    const fetch = window.fetch;
    window.fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (answer.url.endsWith('/api/pull')) await page.pulled(await answer.clone().text());
      return answer;
    };
  });
  return pulls;
}
