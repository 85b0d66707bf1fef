import { ready, recordEmergency, WANDERER } from '../support/story.ts';
import { settled, takePictures } from '../support/picture.ts';
import { test } from '../support/test.ts';

test('queue', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'hanh');
  await settled(page);
  await takePictures(page, 'today', 'supervisor', { whole: true });
  await phone.open('/referrals');
  await settled(page);
  await takePictures(page, 'queue', 'full', { whole: true });
  await page.getByRole('link', { name: /Vy Thị Nguyệt/ }).first().click();
  const decisions = page.getByRole('radio', { name: 'Duyệt', exact: true });
  await decisions.waitFor();
  await takePictures(page, 'decide', 'empty', { whole: true });
  await page.getByRole('button', { name: 'Gửi quyết định' }).click();
  await takePictures(page, 'decide', 'failed', { whole: true });
  await decisions.check();
  await takePictures(page, 'decide', 'approve', { whole: true });
  await page.getByRole('radio', { name: 'Từ chối', exact: true }).check();
  await takePictures(page, 'decide', 'refuse', { whole: true });
  await page.getByRole('radio', { name: 'Trả lại để hỏi thêm' }).check();
  await takePictures(page, 'decide', 'return', { whole: true });
});

test('inbox', async ({ phone, anotherPhone }) => {
  await ready(phone, 'lan');
  await takePictures(phone.page, 'today', 'signed-in');
  await phone.open('/');
  await recordEmergency(phone.page, WANDERER);
  await phone.page.getByText(/Xã đã nhận/).first().waitFor();
  const desk = await anotherPhone({ width: 1280, height: 800 });
  const { page } = desk;
  await ready(desk, 'thanh');
  await settled(page);
  await takePictures(page, 'today', 'facility', { whole: true });
  await desk.open('/referrals');
  await settled(page);
  await takePictures(page, 'inbox', 'emergency');
  await takePictures(page, 'inbox', 'full', { whole: true });
  await page.getByRole('button', { name: 'Nhận người này' }).first().click();
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'inbox-dialog', 'receive');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Cập nhật chỗ trống' }).click();
  await page.getByLabel('Số chỗ đang trống').fill('1000');
  await page.getByRole('button', { name: /^Lưu/ }).first().click();
  await takePictures(page, 'inbox-places', 'failed', { whole: true });
  for (const [name, state] of [[/^Đang giữ chỗ/, 'holding'], [/^Đang ở/, 'inside'], [/^Đã xong/, 'finished']] as const) {
    await page.getByRole('button', { name }).click();
    await takePictures(page, 'inbox', state, { whole: true });
  }
  await page.getByRole('button', { name: /^Cần trả lời/ }).click();
  await page.getByRole('link', { name: 'Xem và trả lời' }).first().click();
  await page.getByRole('radio').first().waitFor();
  await takePictures(page, 'sheet', 'empty', { whole: true });
  for (const [name, state] of [[/^Từ chối/, 'refuse'], [/chờ/, 'waitlist'], [/^Đồng ý/, 'accept']] as const) {
    const answer = page.getByRole('radio', { name });
    if ((await answer.count()) === 0) continue;
    await answer.first().check();
    await takePictures(page, 'sheet', state, { whole: true });
  }
});

test('referral', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.open('/cases');
  await page.getByRole('link', { name: /Nông Văn Sliểng/ }).click();
  await page.getByRole('link', { name: 'Chuyển tuyến', exact: true }).last().click();
  await page.getByRole('heading', { name: 'Cần giúp việc gì?' }).waitFor();
  await page.getByRole('button', { name: 'Gửi phiếu' }).click();
  await takePictures(page, 'ask-1', 'failed', { whole: true });
  await page.getByRole('radio', { name: 'Nơi ở, nơi chăm sóc' }).check();
  await takePictures(page, 'ask-2', 'full', { whole: true });
  await page.getByRole('radio', { name: /dài hạn/ }).first().click();
  await takePictures(page, 'ask-3', 'full', { whole: true });
  await page.getByRole('radio', { name: /Cơ sở chăm sóc người cao tuổi Bản Mây/ }).first().click();
  await page.getByRole('button', { name: 'Chép điều đã ghi trong hồ sơ' }).click();
  await takePictures(page, 'ask-4', 'full', { whole: true });
});
