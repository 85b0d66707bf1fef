// A girl of nine, violence at home, at night without signal, on a phone whose clock is wrong: she is seen by those who are
// named and by nobody else, and her hours run by the office's clock.
import { ready, recordCase, recordEmergency, row, send, tab, watchPulls, watchPushes } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const NAME = 'Bàn Thị Kiểm Thử';
const ALIAS = 'T-09';
const NEIGHBOUR = 'Hoàng Văn Đối Chiếu';
const DAY_MS = 86_400_000;

/** 23:10 in Vietnam, one to two days before now. */
function tenPastElevenOfAnotherDay(): Date {
  const midnight = Math.floor((Date.now() + 7 * 3_600_000) / DAY_MS) * DAY_MS - 7 * 3_600_000;
  return new Date(midnight - DAY_MS - 50 * 60_000);
}

test('a girl recorded at night on a phone with a wrong clock is seen only by those named, within her twelve hours', { tag: '@office' }, async ({
  anotherPhone,
}) => {
  test.setTimeout(300_000);
  const phone = await anotherPhone({ clock: tenPastElevenOfAnotherDay() });
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: NEIGHBOUR, what: 'Ông hàng xóm, ho nhiều, cần khám.' });
  await phone.open('/');
  const code = await recordEmergency(phone.page, {
    name: NAME,
    sex: 'Nữ',
    age: '9',
    place: 'Nhà hàng xóm cuối thôn',
    trouble: 'Bị bạo lực, xâm hại, mua bán',
    what: 'Cháu chạy sang nhà hàng xóm, tay bầm tím, sợ về nhà',
  });
  // The trouble itself asked for silence, the age for the twelve hours of a child.
  await expect(phone.page.getByText('Bảo vệ trẻ em: Xã Bản Mây')).toBeVisible();
  await expect(phone.page.getByText(/^23:1\d, \d\d\/\d\d\/\d{4}$/)).toBeVisible();
  const id = new URL(phone.page.url()).pathname.split('/').at(-1) ?? '';
  // The police are told by phone; that call too stands a day or two back on this phone's clock.
  const told = phone.page.getByRole('button', { name: 'Đã báo Công an xã Bản Mây' });
  await told.click();
  await expect(told).toHaveAttribute('aria-pressed', 'true');
  await phone.page.getByRole('link', { name: 'Ghi thêm' }).click();
  await phone.page.getByRole('link', { name: 'Sửa hồ sơ' }).click();
  await expect(phone.page.getByRole('switch', { name: 'Chỉ người được nêu tên mới xem' })).toBeChecked();
  await phone.page.getByRole('textbox', { name: 'Bí danh' }).fill(ALIAS);
  await phone.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  // The form's own heading is her name too: only the page behind it says that the change lies on the disk.
  await expect(phone.page.getByRole('link', { name: 'Sửa hồ sơ' })).toBeVisible();
  await expect(phone.page.getByRole('heading', { name: NAME })).toBeVisible();

  // Killed and opened again: still there, and the list keeps name and village to itself.
  await phone.killRenderer();
  await phone.open('/cases');
  const girl = row(phone.page, code);
  await expect(girl).toContainText('Chờ gửi', { timeout: 30_000 });
  await expect(girl).toContainText(ALIAS);
  await expect(girl).toContainText('Ẩn tên và nơi ở');
  await expect(girl).not.toContainText(NAME);
  await expect(girl).not.toContainText('Nà Thông');
  await phone.page.getByRole('combobox', { name: 'Thôn' }).selectOption({ label: 'Nà Thông' });
  await expect(row(phone.page, NEIGHBOUR)).toBeVisible();
  await expect(girl).toHaveCount(0);
  await phone.page.getByRole('combobox', { name: 'Thôn' }).selectOption({ label: 'Tất cả thôn' });

  // Signal: she goes first, though the neighbour was written before her.
  const pushes = watchPushes(phone.page);
  await phone.goOnline();
  await expect(girl).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(row(phone.page, NEIGHBOUR)).toContainText('Xã đã nhận', { timeout: 30_000 });
  const order = pushes.flat();
  expect(order.slice(0, 4).every((subject) => subject.endsWith(id))).toBe(true);
  expect(order[4]?.endsWith(id)).toBe(false);

  // Neither the other collaborator, nor the team, nor the supervisor of the province is handed anything of her.
  for (const other of ['diep', 'quan', 'so']) {
    const theirs = await anotherPhone();
    const pulls = await watchPulls(theirs);
    await ready(theirs, other);
    await tab(theirs.page, 'Hồ sơ');
    if (other !== 'diep') await expect(row(theirs.page, NEIGHBOUR)).toBeVisible({ timeout: 30_000 });
    await expect(row(theirs.page, code)).toHaveCount(0);
    const handed = pulls.join('');
    expect(handed.includes(NEIGHBOUR), `${other} got the neighbour`).toBe(other !== 'diep');
    expect(handed).toContain('Hứa Thị Bích Diệp');
    for (const secret of [id, code, ALIAS, NAME]) expect(handed.includes(secret), `${other} got ${secret}`).toBe(false);
    await theirs.open(`/cases/${id}`);
    await expect(theirs.page.getByText('Không có trang này')).toBeVisible();
    await theirs.put();
  }

  // The officer's queue: an hour to look, then twelve to decide, from the call as the office's clock tells it.
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await tab(desk.page, 'Chuyển tuyến');
  const waiting = row(desk.page, code);
  await expect(waiting).toContainText(/Xem trong (1\sgiờ|5\d\sphút) nữa/);
  await expect(waiting).toContainText(ALIAS);
  await expect(waiting).toContainText('Hạn chế');
  await expect(waiting).not.toContainText(NAME);
  await expect(waiting).not.toContainText('Nà Thông');
  await waiting.click();
  await expect(desk.page.getByRole('heading', { name: NAME })).toBeVisible();
  await expect(desk.page.getByText(/^Quyết định trong (12\sgiờ|11\sgiờ 5\d\sphút) nữa$/).first()).toBeVisible();

  // Her deputy has her too.
  const deputy = await anotherPhone();
  await ready(deputy, 'kien');
  await tab(deputy.page, 'Hồ sơ');
  await expect(row(deputy.page, code)).toContainText(ALIAS);

  await desk.page.getByRole('radio', { name: 'Duyệt', exact: true }).check();
  await send(desk.page, 'Gửi quyết định');

  // The village sees it.
  await phone.open('/referrals');
  await expect(row(phone.page, code)).toContainText('Đã chuyển đến nơi tiếp nhận', { timeout: 30_000 });
  await row(phone.page, code).click();
  await expect(phone.page.getByText('Vi Thị Hạnh đã duyệt')).toBeVisible();
});
