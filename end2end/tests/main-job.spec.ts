// The main job: from the bus shelter without network to the centre's bed and back to the village.
import { ready, recordCase, recordEmergency, send, tab, WANDERER, watchPushes } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const MAN = 'Chưa rõ họ tên (nam, khoảng 60 tuổi)';

test('a wanderer recorded at night without network is questioned, answered for, admitted and seen in the village', { tag: '@office' }, async ({
  phone,
  anotherPhone,
}) => {
  test.setTimeout(240_000);
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/');
  const code = await recordEmergency(phone.page, WANDERER);
  await expect(phone.page.getByRole('heading', { name: MAN })).toBeVisible();
  await expect(phone.page.getByText('Chờ gửi').first()).toBeVisible();
  await expect(phone.page.getByText('Xin chị gọi ngay').first()).toBeVisible();
  await expect(phone.page.getByRole('link', { name: '113' })).toHaveAttribute('href', 'tel:113');
  const told = phone.page.getByRole('button', { name: 'Đã báo Công an xã Bản Mây' });
  await told.click();
  await expect(told).toHaveAttribute('aria-pressed', 'true');
  const text = phone.page.getByRole('link', { name: `Nhắn tin chỉ có mã ${code}` });
  await expect(text).toHaveAttribute('href', new RegExp(`^sms:\\d+\\?body=[^&]*${code}$`));

  // The phone runs short of memory and kills the app; everything is still there.
  await phone.killRenderer();
  await phone.open('/cases');
  await phone.opened();
  await expect(phone.page.getByRole('link', { name: new RegExp(code) })).toContainText('Chờ gửi', { timeout: 30_000 });
  await expect(phone.page.getByRole('link', { name: /Hoàng Thị Thử Nghiệm/ })).toContainText('Chờ gửi');

  // One bar: the emergency goes first and whole, though it was written last.
  const pushes = watchPushes(phone.page);
  await phone.goOnline();
  const row = phone.page.getByRole('link', { name: new RegExp(code) });
  await expect(row).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(phone.page.getByRole('link', { name: /Hoàng Thị Thử Nghiệm/ })).toContainText('Xã đã nhận', { timeout: 30_000 });
  const order = pushes.flat();
  expect(order.length).toBeGreaterThanOrEqual(4);
  expect(new Set(order.slice(0, 3)).size).toBe(1);
  expect(order[3]).not.toBe(order[0]);

  // At the commune.
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await tab(desk.page, 'Chuyển tuyến');
  await desk.page.getByRole('link', { name: new RegExp(code) }).click();
  await expect(desk.page.getByText('chân phải đau')).toBeVisible();
  await desk.page.getByRole('radio', { name: 'Trả lại để hỏi thêm' }).check();
  await desk.page.getByLabel(/cần hỏi điều gì/).fill('Bác có giấy tờ gì trong túi không?');
  await send(desk.page, 'Gửi quyết định');
  await expect(desk.page.getByText('Quyết định đã lưu trên máy này')).toBeVisible();

  // The question stands in the village; the answer goes back.
  await phone.open('/');
  const asked = phone.page.getByRole('link', { name: /Bác có giấy tờ gì trong túi không\?/ });
  await expect(asked).toBeVisible({ timeout: 30_000 });
  await expect(phone.page.getByText('Yêu cầu bổ sung').first()).toBeVisible();
  await asked.click();
  await phone.page.getByLabel(/Câu trả lời/).fill('Không có giấy tờ, có một vé xe Hà Giang.');
  await send(phone.page, 'Gửi câu trả lời');

  await desk.open('/referrals');
  const again = desk.page.getByRole('link', { name: new RegExp(code) });
  await expect(again).toBeVisible({ timeout: 30_000 });
  await again.click();
  await expect(desk.page.getByText('có một vé xe Hà Giang')).toBeVisible();
  await desk.page.getByRole('radio', { name: 'Duyệt', exact: true }).check();
  await send(desk.page, 'Gửi quyết định');

  // At the centre: the sheet, and nothing else of the case.
  const centre = await anotherPhone({ width: 1280, height: 800 });
  await ready(centre, 'thanh');
  await centre.open('/referrals');
  const entry = centre.page.getByRole('listitem').filter({ hasText: code });
  await expect(entry).toContainText('Không nói được tên', { timeout: 30_000 });
  await expect(entry).not.toContainText('vé xe Hà Giang');
  const dialog = centre.page.getByRole('dialog');
  await entry.getByRole('button', { name: 'Nhận người này' }).click();
  await send(centre.page, 'Nhận người này', dialog);
  await expect(centre.page.getByText('Đã ghi nhận người này')).toBeVisible();
  await centre.open('/cases');
  await expect(centre.page.getByRole('link', { name: /Hoàng Thị Thử Nghiệm/ })).toHaveCount(0);

  // Back in the village.
  await phone.open('/');
  const answer = phone.page.getByRole('listitem').filter({ hasText: MAN }).filter({ hasText: 'Đã tiếp nhận' });
  await expect(answer.first()).toBeVisible({ timeout: 30_000 });
  await expect(answer.first().getByRole('link', { name: /Gọi 0900/ })).toHaveAttribute('href', /^tel:/);
});

test('a pulled battery loses neither the case nor the way back to it, and an ended session loses nothing', { tag: '@office' }, async ({
  phone,
}) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  await phone.killBrowser();
  await phone.open('/cases');
  const row = phone.page.getByRole('link', { name: /Hoàng Thị Thử Nghiệm/ });
  await expect(row).toContainText('Chờ gửi');
  // The session ends meanwhile: the office answers 401 and the phone goes on.
  phone.isToldOf(401);
  await phone.context.clearCookies();
  await phone.goOnline();
  await expect(phone.page.getByText('Phiên đăng nhập đã hết').first()).toBeVisible({ timeout: 40_000 });
  await expect(row).toContainText('Chờ gửi');
  await phone.page.getByRole('link', { name: 'Đăng nhập lại' }).first().click();
  const answered = phone.page.waitForResponse((response) => response.url().endsWith('/api/log_in'));
  await phone.logIn('lan');
  expect((await answered).status()).toBe(200);
  await expect(phone.page.getByText('Đã gửi hết').first()).toBeVisible({ timeout: 40_000 });
  await phone.open('/cases');
  await expect(row).toContainText('Xã đã nhận', { timeout: 40_000 });
});
