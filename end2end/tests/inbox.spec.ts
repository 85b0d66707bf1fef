// At the receiver: what is being typed outlives what arrives meanwhile.
import { ready, recordEmergency, row, send, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

test('a decision that arrives while somebody is being received leaves the open dialog alone', { tag: '@office' }, async ({
  phone,
  anotherPhone,
}) => {
  await ready(phone, 'lan');
  const code = await recordEmergency(phone.page, {
    sex: 'Nam',
    age: '60',
    place: 'Nhà chờ xe Nà Thông',
    what: 'Không nói được tên, người lạnh, chân phải đau',
  });
  await expect(phone.page.getByText(/^Xã đã nhận lúc/)).toBeVisible({ timeout: 30_000 });

  // An emergency may be received before anybody has approved it.
  const centre = await anotherPhone({ width: 1280, height: 800 });
  await ready(centre, 'thanh');
  await tab(centre.page, 'Chuyển tuyến');
  const entry = centre.page.getByRole('listitem').filter({ hasText: code });
  await expect(entry).toContainText('Chờ duyệt');
  await entry.getByRole('button', { name: 'Nhận người này' }).click();
  const dialog = centre.page.getByRole('dialog');
  const note = dialog.getByLabel('Ghi chú khi tiếp nhận');
  await note.fill('Đến lúc 22 giờ, người còn lạnh.');

  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await tab(desk.page, 'Chuyển tuyến');
  await row(desk.page, code).click();
  await desk.page.getByRole('radio', { name: 'Duyệt', exact: true }).check();
  await send(desk.page, 'Gửi quyết định');

  await centre.goOnline();
  await expect(entry).toContainText('Đã chuyển đến nơi tiếp nhận', { timeout: 30_000 });
  await expect(note).toHaveValue('Đến lúc 22 giờ, người còn lạnh.');
  await send(centre.page, 'Nhận người này', dialog);
  await expect(centre.page.getByText('Đã ghi nhận người này')).toBeVisible();
  await expect(dialog).toHaveCount(0);
  await centre.page.getByRole('button', { name: /^Đang ở/ }).click();
  await expect(entry).toContainText('Đã tiếp nhận');
});
