// The acts that change where a case stands, photos, and what the office could not take.
import { choosePhoto } from '../support/photo.ts';
import type { Phone } from '../support/phone.ts';
import { settled, takePictures } from '../support/picture.ts';
import { ready, recordAndOpen, recordVisit, row, SLIENG, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const CODE = 'XN4C73';

async function caseOf(phone: Phone, code: string): Promise<string> {
  await phone.open('/cases');
  return (await row(phone.page, code).getAttribute('href')) ?? '';
}

async function picture(phone: Phone, path: string, name: string): Promise<void> {
  await phone.open(path);
  await settled(phone.page);
  await takePictures(phone.page, name, 'full', { whole: true });
}

test('moving', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'hanh');
  const path = await caseOf(phone, CODE);
  await picture(phone, `${path}/move`, 'transfer');
  await page.getByRole('button', { name: 'Chuyển địa bàn' }).click();
  await takePictures(page, 'transfer', 'failed', { whole: true });
  await page.getByLabel('Xã, phường nơi chuyển đến').selectOption({ label: 'Xã Nà Sầm Thượng' });
  await page.getByLabel('Thôn, bản').selectOption({ label: 'Khuổi Slao Thượng' });
  await page.getByLabel('Vì sao chuyển?').fill('Về ở với con gái ở Khuổi Slao Thượng từ sau vụ gặt, nhà cũ đã khóa cửa.');
  await page.getByRole('button', { name: 'Chuyển địa bàn' }).click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'transfer', 'dialog');
  await page.keyboard.press('Escape');
  await picture(phone, `${path}/merge`, 'merge');
  await page.getByRole('searchbox').fill('Hoàng');
  await page.getByRole('button', { name: /Hoàng/ }).first().waitFor();
  await takePictures(page, 'merge', 'found', { whole: true });
  await page.getByRole('button', { name: /Hoàng/ }).first().click();
  await takePictures(page, 'merge', 'chosen', { whole: true });
  await page.getByRole('button', { name: 'Gộp hồ sơ trùng' }).click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'merge', 'dialog');
  await page.getByRole('dialog').getByRole('button', { name: 'Gộp hồ sơ trùng' }).click();
  await page.getByRole('region', { name: 'Cùng một người' }).waitFor();
  await takePictures(page, 'case', 'merged', { whole: true });
  await picture(phone, `${path}/assign`, 'assign');
  await page.getByLabel('Phân công cho').selectOption({ label: 'Hứa Thị Bích Diệp, cộng tác viên' });
  await page.getByRole('button', { name: 'Phân công', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Phân công' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await takePictures(page, 'assign', 'assigned', { whole: true });
  await picture(phone, '/more', 'more-supervisor');
  await picture(phone, '/more/handover', 'hand-over-supervisor');
});

test('hand-over', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await picture(phone, '/more', 'more');
  await picture(phone, '/more/handover', 'hand-over');
  await page.getByRole('button', { name: 'Bàn giao' }).click();
  await takePictures(page, 'hand-over', 'failed');
  await page.getByLabel('Người nhận', { exact: true }).selectOption({ label: 'Hứa Thị Bích Diệp, cộng tác viên' });
  await page.getByRole('checkbox', { name: /^Chọn tất cả/ }).check();
  await page.getByLabel('Điều người nhận cần biết').fill('Tôi nghỉ thai sản từ thứ hai.');
  await takePictures(page, 'hand-over', 'filled', { whole: true });
  await page.getByRole('button', { name: 'Bàn giao' }).click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'hand-over', 'dialog');
});

test('photos', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ camera: true });
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await caseOf(phone, CODE);
  await picture(phone, `${path}/photos`, 'photos');
  await choosePhoto(page);
  await takePictures(page, 'photos', 'one', { whole: true });
  await page.getByRole('button', { name: 'Chụp ảnh' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Chụp', exact: true }).waitFor();
  await page.waitForTimeout(2_000);
  await takePictures(page, 'photos', 'camera');
  await page.getByRole('dialog').getByRole('button', { name: 'Chụp', exact: true }).click();
  await page.waitForTimeout(2_000);
  await takePictures(page, 'photos', 'two', { whole: true });
  await page.getByRole('button', { name: 'Xem ảnh lớn' }).first().click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'photos', 'viewer');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith('/photos'));
  await settled(page);
  await takePictures(page, 'case', 'photos', { whole: true });
  await page.getByRole('button', { name: /^Ảnh/ }).first().click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'case', 'viewer');
});

/** The office refuses each visit that this phone sends. */
async function spoilVisits(phone: Phone): Promise<void> {
  phone.isCutOffFrom('/api/letters');
  phone.network.cutRequestsFor(/^\/api\/letters/);
  await phone.page.route('**/api/push', async (route) => {
    const sent = route.request().postDataJSON() as { batch: { changes: { body: Record<string, { next?: string }> }[] } };
    for (const { body } of sent.batch.changes) {
      if (body.visit_recorded) body.visit_recorded.next = '2020-01-01';
    }
    await route.continue({ postData: JSON.stringify(sent) });
  });
}

test('held', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await spoilVisits(phone);
  const path = await recordAndOpen(phone, SLIENG);
  await recordVisit(phone, path, 'Bà đi lại được trong nhà, còn đau khi leo dốc. Hàng xóm vẫn nấu cơm giúp.');
  await phone.open(path);
  await page.getByText('Cần anh/chị xem lại').first().waitFor();
  await takePictures(page, 'case', 'held', { whole: true });
  await phone.open('/sync');
  await page.getByRole('button', { name: 'Bỏ mục này' }).waitFor();
  await takePictures(page, 'sync', 'held', { whole: true });
  await page.getByRole('button', { name: 'Bỏ mục này' }).click();
  await takePictures(page, 'sync', 'held-dialog');
  await page.keyboard.press('Escape');
  await phone.open('/');
  await settled(page);
  await takePictures(page, 'today', 'held', { whole: true });
});

test('moving-in-english', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ camera: true });
  const { page } = phone;
  await ready(phone, 'hanh');
  await tab(page, 'Khác');
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  const path = await caseOf(phone, CODE);
  for (const part of ['move', 'merge', 'assign', 'photos']) await picture(phone, `${path}/${part}`, `en-${part}`);
  await page.getByRole('button', { name: 'Take a photo' }).click();
  await page.waitForTimeout(2_000);
  await takePictures(page, 'en-photos', 'camera');
  await page.keyboard.press('Escape');
  await picture(phone, '/more/handover', 'en-hand-over');
  await picture(phone, '/more', 'en-more');
  await spoilVisits(phone);
  await phone.open(`${path}/visit`);
  await page.getByLabel('What was seen and heard?').fill('Bà đi lại được trong nhà.');
  await page.getByRole('button', { name: 'In 1 week' }).click();
  await page.getByRole('button', { name: 'Save on this phone' }).click();
  await page.getByText('Saved on this phone').waitFor();
  await takePictures(page, 'en-visit', 'saved');
  await phone.open('/sync');
  await page.getByRole('article').first().waitFor();
  await page.getByRole('article').first().getByRole('button').nth(1).click();
  await takePictures(page, 'en-sync', 'held', { whole: true });
});
