// Handing the phone over, giving something up, and a first load on its way.
import { fillOffice } from '../support/crowd.ts';
import { takePictures } from '../support/picture.ts';
import { ready, recordAndOpen, recordVisit, SLIENG } from '../support/story.ts';
import { test } from '../support/test.ts';

test('given-up', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await page.route('**/api/push', async (route) => {
    const sent = route.request().postDataJSON() as { batch: { changes: { body: Record<string, { next?: string }> }[] } };
    for (const { body } of sent.batch.changes) {
      if (body.visit_recorded) body.visit_recorded.next = '2020-01-01';
    }
    await route.continue({ postData: JSON.stringify(sent) });
  });
  const path = await recordAndOpen(phone, SLIENG);
  await recordVisit(phone, path, 'Bà đi lại được trong nhà, còn đau khi leo dốc. Hàng xóm vẫn nấu cơm giúp.');
  await phone.open('/sync');
  await page.getByRole('button', { name: 'Xem điều tôi đã ghi' }).click();
  await takePictures(page, 'sync', 'held-read', { whole: true });
  await page.getByRole('button', { name: 'Bỏ mục này' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Bỏ mục này' }).click();
  await takePictures(page, 'sync', 'give-up');
  await dialog.getByLabel('Vì sao bỏ').fill('Ghi nhầm người: đây là bà Sen ở Khuổi Slao.');
  await dialog.getByRole('button', { name: 'Bỏ mục này' }).click();
  await page.getByRole('region', { name: 'Đã bỏ' }).getByRole('group').click();
  await page.getByText('Không còn gì chờ gửi.').waitFor();
  await takePictures(page, 'sync', 'given-up', { whole: true });
  await page.goto(`${phone.network.url}/office/login`);
  await phone.logIn('hanh');
  await page.goto(`${phone.network.url}/office/set-aside`);
  await takePictures(page, 'office-set-aside', 'given-up', { whole: true });
});

test('people', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await page.getByRole('button', { name: /Đổi người$/ }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'Thêm người dùng' }).click();
  await phone.logIn('diep');
  await page.getByRole('heading', { name: 'Chào chị Diệp' }).waitFor();
  await page.getByRole('button', { name: /Đổi người$/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Nông Thị Lan/ }).waitFor();
  await takePictures(page, 'today', 'hand-over');
  await phone.open('/emergency');
  await takePictures(page, 'emergency', 'avatar');
});

test('first-load', async ({ anotherPhone }) => {
  const first = await anotherPhone();
  await ready(first, 'lan');
  await fillOffice(first, 1_500);
  const phone = await anotherPhone();
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  phone.network.delay(1_500);
  await phone.logIn('lan');
  await phone.page.getByRole('progressbar').waitFor({ timeout: 60_000 });
  await takePictures(phone.page, 'today', 'first-load');
});
