// What each main screen is to somebody who hears it, in both themes, and in the other language.
import type { Page } from '@playwright/test';

import { accessible, vietnameseLeft, writtenIn } from '../support/looks.ts';
import type { Phone } from '../support/phone.ts';
import { ready, row, tab, watchPulls } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

/** The screen reads like this, and nothing on it keeps anybody out. */
async function reads(page: Page, snapshot: string): Promise<void> {
  await expect(page.locator('body')).toMatchAriaSnapshot(snapshot);
  await accessible(page);
}

const PLACES = `
    - navigation "Các mục chính":
      - link "Hôm nay"
      - link "Hồ sơ"
      - link "Chuyển tuyến"
      - link "Khác"`;

const DOCK = `
  - contentinfo:
    - link /^Đã gửi hết Xã nhận lần cuối \\d\\d:\\d\\d$/${PLACES}`;

test('the log-in and the numbers to call read as they look', async ({ phone }) => {
  await phone.open('/');
  await phone.opened();
  await reads(phone.page, `
  - banner:
    - text: Cầu Nối
  - main:
    - heading "Đăng nhập" [level=1]
    - paragraph: Lần đầu cần có mạng.
    - textbox "Tên đăng nhập"
    - textbox "Mật khẩu"
    - button "Đăng nhập"
    - group: Quên mật khẩu
  - contentinfo:
    - link "KHẨN CẤP"`);
  await phone.page.getByRole('link', { name: 'KHẨN CẤP' }).click();
  await reads(phone.page, `
  - main:
    - list:
      - listitem:
        - link "113 Công an"
      - listitem:
        - link "115 Cấp cứu"
      - listitem:
        - link "111 Trẻ em"
    - paragraph: Số gọi dùng được ngay. Muốn ghi hồ sơ, xin đăng nhập.
    - link "Đăng nhập"`);
});

test('the screens of a collaborator read as they look', async ({ phone }) => {
  await ready(phone, 'lan');
  const { page } = phone;
  await reads(page, `
  - banner:
    - link "Đến nội dung chính"
    - text: Cầu Nối
  - main:
    - heading "Chào chị Lan" [level=1]
    - paragraph: /^(Thứ (Hai|Ba|Tư|Năm|Sáu|Bảy)|Chủ Nhật), \\d\\d\\/\\d\\d\\/\\d{4} · Khuổi Slao, Nà Thông$/
    - link "Ghi hồ sơ mới"
    - link "KHẨN CẤP"
    - region "Việc cần chị làm":
      - heading "Việc cần chị làm" [level=2]
      - list:
        - listitem:
          - link /^Phùng Mùi Nái Chị Hạnh hỏi. Gia đình còn giấy ra viện lần gần nhất không.* Yêu cầu bổ sung$/
    - region "Tin mới từ nơi tiếp nhận":
      - heading "Tin mới từ nơi tiếp nhận" [level=2]
      - list:
        - listitem:
          - link /^Hà Thị Ngọc Diễm Trung tâm Dịch vụ việc làm Lạng Hoa, .* Nơi tiếp nhận đồng ý$/
          - link "Gọi 0900 000 109"
    - region "Thăm hỏi và việc hẹn":
      - heading "Thăm hỏi và việc hẹn" [level=2]
      - text: /\\d+ việc/
      - list:
        - listitem:
          - link /^Hoàng Thị Mỷ, \\d+ tuổi Nà Thông\\. Xem ba cháu đi học Quá hẹn \\d+ ngày$/${DOCK}`);

  await tab(page, 'Hồ sơ');
  await reads(page, `
  - banner:
    - heading "Hồ sơ" [level=1]
    - link "Ghi mới"
  - main:
    - search:
      - searchbox "Tìm tên hoặc mã, không cần gõ dấu"
      - group "Lọc":
        - combobox "Thôn":
          - option "Tất cả thôn" [selected]
          - option "Khuổi Slao"
          - option "Nà Thông"
        - combobox "Khó khăn"
        - combobox "Tình trạng"
        - button "Khẩn cấp"
    - region /^\\d+ hồ sơ$/:
      - heading /^\\d+ hồ sơ$/ [level=2]
      - list:
        - listitem:
          - link /^Hoàng Văn Dính \\d+ tuổi · Khuổi Slao XN4C73 Đang trợ giúp Xã đã nhận/${DOCK}`);

  await row(page, 'XN4C73').click();
  await reads(page, `
  - banner:
    - link "Hồ sơ"
    - button "Chia sẻ mã"
  - main:
    - heading "Hoàng Văn Dính" [level=1]
    - paragraph: /^Nam, \\d+ tuổi · Khuổi Slao, Xã Bản Mây$/
    - text: Mã
    - strong: XN4C73
    - 'img "Bước 5 trong 7: Đang trợ giúp"'
    - navigation "Các phần của hồ sơ":
      - link "Tổng quan"
      - link "Thăm hỏi"
      - link "Chuyển tuyến"
      - link "Lịch sử"
    - region "Việc tiếp theo":
      - heading "Việc tiếp theo" [level=2]
      - list:
        - listitem:
          - link /^Thăm lại, xem đã đỡ chưa Quá hẹn/
    - region "Chuyển tuyến":
      - list:
        - listitem:
          - link /^Cơ sở trợ giúp xã hội tổng hợp Lạng Hoa Vào cơ sở\\. Gửi .* Chờ duyệt Còn \\d+ ngày làm việc$/
    - region "Đã ghi":
      - term: Việc gì
      - definition: /^Anh hay bỏ nhà đi/
      - term: Khó khăn chính
      - definition: Khuyết tật, sức khỏe tâm thần
      - link "Sửa hồ sơ"
      - link "Giao việc"
    - region "Giấy tờ & ảnh":
      - heading "Giấy tờ & ảnh" [level=2]
      - paragraph: Chưa có ảnh.
      - link "Thêm ảnh"
    - region "Sự đồng ý":
      - term: Ghi hồ sơ
      - definition: /^Đồng ý, \\d\\d\\/\\d\\d\\/\\d{4}$/
      - term: Giấy tờ & ảnh
      - definition: Chưa hỏi về ảnh
      - button "Rút lại sự đồng ý"
    - region "Vừa thay đổi":
      - heading "Vừa thay đổi" [level=2]
      - list
  - contentinfo:
    - link "Ghi lần thăm"
    - link "Chuyển tuyến"`);

  await page.getByRole('link', { name: 'Thêm ảnh' }).click();
  await reads(page, `
  - banner:
    - link "Quay lại"
    - heading "Thêm ảnh" [level=1]
  - main:
    - paragraph: Hoàng Văn Dính
    - group "Ảnh":
      - strong: Ảnh
      - text: /^Không chụp giấy tờ tùy thân, trừ khi thật cần\\./
      - paragraph: /^Chưa hỏi người được trợ giúp về ảnh\\./
      - button "Chụp ảnh"
      - button "Chọn ảnh có sẵn"
  - contentinfo:
    - button "Lưu trên máy này"`);

  await phone.open('/cases/new');
  await reads(page, `
  - banner:
    - button "Câu trước"
    - text: Ghi hồ sơ mới
    - strong: Câu 1/6
    - img "Câu 1 trong 6 câu"
  - main:
    - heading "Người được trợ giúp là ai?" [level=1]
    - switch /^Chưa rõ họ tên/
    - textbox "Họ và tên"
    - group "Giới tính":
      - button "Nam"
      - button "Nữ"
      - button "Khác"
    - textbox "Tuổi (ước chừng cũng được)"
    - switch "Biết ngày sinh"
    - group: Giấy tờ, điện thoại, dân tộc
  - contentinfo:
    - button "Tiếp tục"`);

  await phone.open('/emergency');
  await reads(page, `
  - banner:
    - link "Quay lại"
    - heading "KHẨN CẤP" [level=1]
  - main:
    - paragraph: Nếu nguy hiểm ngay lúc này, gọi trước rồi ghi sau.
    - list:
      - listitem:
        - link "113 Công an"
      - listitem:
        - link "115 Cấp cứu"
      - listitem:
        - link "111 Trẻ em"
    - region "Ai đang gặp nguy?":
      - switch /^Chưa rõ họ tên/ [checked]
      - group "Giới tính"
      - textbox "Tuổi (ước chừng cũng được)"
      - textbox "Đặc điểm nhận dạng"
    - region "Ở đâu?":
      - combobox "Thôn phụ trách":
        - option "Khuổi Slao" [selected]
        - option "Nà Thông"
        - option "Xã Bản Mây, chưa rõ thôn"
      - textbox "Chỗ gặp"
      - group "Gặp lúc mấy giờ?":
        - textbox "Giờ"
        - textbox "Phút"
    - region "Khó khăn chính là gì?":
      - group "Khó khăn chính là gì?":
        - radio "Trẻ em"
        - radio "Lang thang, xa nhà, chưa rõ danh tính" [checked]
        - radio "Bị bạo lực, xâm hại, mua bán"
      - switch /^Chỉ người được nêu tên mới xem/
    - textbox "Chuyện gì đang xảy ra?"
    - group "Ảnh":
      - button "Chụp ảnh"
      - button "Chọn ảnh có sẵn"
    - region "Đề nghị":
      - group "Đề nghị":
        - radio "Tiếp nhận khẩn cấp vào cơ sở" [checked]
        - radio "Bảo vệ trẻ em trong 12 giờ"
        - radio "Chưa đề nghị, chỉ báo"
      - combobox "Nơi tiếp nhận"
  - contentinfo:
    - button "Lưu và gọi ngay"`);

  await phone.open('/sync');
  await reads(page, `
  - banner:
    - link "Quay lại"
    - heading "Đồng bộ" [level=1]
  - main:
    - region "Có mạng":
      - paragraph: /^Lần cuối liên lạc với xã. \\d\\d:\\d\\d\\. Có sóng, máy tự gửi\\.$/
      - list:
        - listitem:
          - strong: "0"
          - text: Chờ gửi
        - listitem:
          - strong: /\\d+/
          - text: Xã đã nhận
        - listitem:
          - strong: /\\d+/
          - text: Đã xem
        - listitem:
          - strong: "0"
          - text: Cần anh/chị xem lại
      - button "Thử gửi ngay"
    - region "Đang chờ gửi":
      - text: Không còn gì chờ gửi.
    - region "Chỗ lưu trên máy":
      - heading "Chỗ lưu trên máy" [level=2]
  - contentinfo:${PLACES}`);

  await tab(page, 'Khác');
  await reads(page, `
  - banner:
    - heading "Khác" [level=1]
  - main:
    - list:
      - listitem:
        - link "Số khẩn cấp 113, 115, 111"
      - listitem:
        - link "Nơi tiếp nhận Xem được khi không có mạng"
      - listitem:
        - link "Đồng bộ Đã gửi hết"
      - listitem:
        - link "Người dùng máy này Nông Thị Lan"
      - listitem:
        - link "Cách dùng"
    - group "Ngôn ngữ":
      - button "Tiếng Việt" [pressed]
      - button "English"
    - group "Sáng hay tối":
      - button "Theo máy" [pressed]
      - button "Sáng"
      - button "Tối"${DOCK}`);
});

test('the queue and the decision of a supervisor read as they look', async ({ phone }) => {
  await ready(phone, 'hanh');
  const { page } = phone;
  await tab(page, 'Chuyển tuyến');
  await reads(page, `
  - banner:
    - heading "Chờ chị duyệt" [level=1]
    - text: Xã Bản Mây
  - main:
    - group "Chờ duyệt":
      - button /^Chờ duyệt \\d+$/ [pressed]
      - button /^Đang ở nơi khác \\d+$/
      - button "Phiếu của tôi"
    - region "Khẩn cấp":
      - heading "Khẩn cấp" [level=2]
      - text: /Bây giờ \\d\\d:\\d\\d/
      - list:
        - listitem:
          - link /^Khẩn cấp Hạn chế T-02, \\d+ tuổi Bảo vệ trẻ em. Mái ấm Nà Sầm X4HR7D Chờ duyệt Xem trong/
          - link "Gọi chị Diệp 0900 000 002"
    - region "Theo hạn":
      - heading "Theo hạn" [level=2]
      - list:
        - listitem:
          - link /^Bàn Thị Mai, \\d+ tuổi Kết nối dịch vụ. .* EWMC7T Chờ duyệt (Quá hạn|Hạn|Còn)/
    - region "Không có hạn":
      - heading "Không có hạn" [level=2]
    - paragraph: 1 phiếu do chị viết đang chờ anh Dương Văn Kiên. Người viết không tự duyệt.${DOCK}`);

  await row(page, 'X4HR7D').click();
  await reads(page, `
  - banner:
    - link "Chờ duyệt"
    - text: /^Quyết định trong \\d+ giờ/
  - main:
    - heading /^Bàn Thị Thùy Dương, \\d+ tuổi$/ [level=1]
    - paragraph: /^Pác Luống, mã X4HR7D\\. Chị Diệp viết/
    - text: Khẩn cấp Hạn chế Chờ duyệt
    - term: Đề nghị
    - definition: Bảo vệ trẻ em
    - term: Nơi nhận
    - definition:
      - strong: Mái ấm Nà Sầm
    - term: Vì sao
    - definition: Cháu không thể về nhà đêm nay, đang ở nhà hàng xóm.
    - term: Sự đồng ý
    - definition: /^Không cần hỏi, vì khẩn cấp/
    - link "Xem hồ sơ"
    - link "Gọi chị Diệp 0900 000 002"
    - region "Các bước":
      - list:
        - listitem: /Hứa Thị Bích Diệp viết phiếu/
        - listitem: /Vi Thị Hạnh đã xem phiếu/
        - listitem: /^Xã duyệt Quyết định trong/
    - form "Quyết định của chị":
      - radio "Duyệt"
      - radio "Trả lại để hỏi thêm"
      - radio "Từ chối"
      - button "Gửi quyết định"
      - paragraph: Quyết định đã gửi thì không sửa, chỉ ghi thêm bước mới.`);
});

test('the inbox of a facility reads as it looks', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ width: 1280, height: 800 });
  await ready(phone, 'thanh');
  const { page } = phone;
  await tab(page, 'Chuyển tuyến');
  await reads(page, `
  - main:
    - heading "Hộp nhận" [level=1]
    - paragraph: /^Cơ sở trợ giúp xã hội tổng hợp Lạng Hoa · .*, \\d\\d:\\d\\d$/
    - group "Hộp nhận":
      - button "Cần trả lời 2" [pressed]
      - button "Đang giữ chỗ 1"
      - button "Đang ở 2"
      - button "Đã xong"
    - list:
      - listitem:
        - article:
          - heading /^Chưa rõ họ tên .nam, khoảng \\d+ tuổi.$/ [level=3]
          - paragraph: /xã Nà Sầm Thượng VWA9W3/
          - paragraph: Nhà xa đường, hai con bỏ học vụ gặt, thiếu gạo tháng giáp hạt.
          - paragraph: "Được xem: tuổi, giới tính, sức khỏe, chuyện đã xảy ra"
          - text: /Đã chuyển đến nơi tiếp nhận (Còn|Hạn|Quá hạn)/
          - button "Nhận người này"
          - link "Xem và trả lời"
          - link "Gọi người gửi"
    - complementary "Chỗ ở":
      - heading "Chỗ ở" [level=2]
      - text: Đang ở 110 Giữ chỗ 1 Trống 9
      - button "Cập nhật chỗ trống"
      - paragraph: "Chỉ tiêu cả năm: 160."`);

  await page.getByRole('button', { name: 'Nhận người này' }).last().click();
  await expect(page.getByRole('dialog')).toMatchAriaSnapshot(`
  - dialog "Nhận người này":
    - heading "Nhận người này" [level=2]
    - paragraph: /^Chưa rõ họ tên .nam, khoảng \\d+ tuổi.$/
    - textbox "Ghi chú khi tiếp nhận"
    - group "Hẹn thôn thăm lại ngày":
      - button "1 tuần nữa"
      - button "2 tuần nữa"
      - button "1 tháng nữa"
      - button "Không hẹn"
      - button "Ngày khác"
    - button "Thôi"
    - button "Nhận người này"`);
  await accessible(page);
});

test('the other pages keep nobody out', async ({ phone }) => {
  await ready(phone, 'lan');
  for (const [path, heading] of [
    ['/referrals', 'Chuyển tuyến'],
    ['/more/facilities', 'Nơi tiếp nhận'],
    ['/more/numbers', 'Số khẩn cấp'],
    ['/more/help', 'Cách dùng'],
    ['/person', 'Người dùng máy này'],
  ] as const) {
    await phone.open(path);
    await expect(phone.page.getByRole('heading', { name: heading, level: 1 })).toBeVisible();
    await accessible(phone.page);
  }
});

const PEOPLES = [
  'Tày', 'Thái', 'Mường', 'Nùng', 'Mông', 'Ngái', 'Ê Đê', 'Xơ Đăng', 'Sán Chay', 'Cơ Ho', 'Chăm', 'Sán Dìu', 'Hrê',
  'Mnông', 'Xtiêng', 'Bru-Vân Kiều', 'Thổ', 'Giáy', 'Cơ Tu', 'Gié Triêng', 'Mạ', 'Khơ Mú', 'Tà Ôi', 'Chơ Ro',
  'Kháng', 'Hà Nhì', 'Lào', 'La Chí', 'Phù Lá', 'La Hủ', 'Lự', 'Lô Lô', 'Chứt', 'Mảng', 'Pà Thẻn', 'Cơ Lao', 'Cống',
  'Bố Y', 'Pu Péo', 'Brâu', 'Ơ Đu', 'Rơ Măm',
];

/** Chooses English on Khác and gives whatever on the pages still speaks Vietnamese in the app's own words. */
async function stillVietnamese(phone: Phone, userName: string, pages: [string, string][]): Promise<string[]> {
  const pulls = await watchPulls(phone);
  await ready(phone, userName);
  await tab(phone.page, 'Khác');
  // The brand, the name of the other language in itself, and peoples as they call themselves.
  const written = [...writtenIn(pulls), 'Cầu Nối', 'Tiếng Việt', ...PEOPLES];
  expect(await vietnameseLeft(phone.page, written)).toContain('Người dùng máy này');
  await phone.page.getByRole('button', { name: 'English' }).click();
  await expect(phone.page.getByRole('navigation', { name: 'Main sections' })).toBeVisible();
  await expect(phone.page.locator('html')).toHaveAttribute('lang', 'en');
  const left: string[] = [];
  for (const [path, shown] of pages) {
    await phone.open(path);
    await expect(phone.page.getByText(shown).first()).toBeVisible();
    left.push(...(await vietnameseLeft(phone.page, written)).map((text) => `${path}: ${text}`));
  }
  return left;
}

test('in English no word of the app is left in Vietnamese', async ({ phone, anotherPhone }) => {
  const left = await stillVietnamese(phone, 'lan', [
    ['/', 'Record a new case'],
    ['/cases', 'XN4C73'],
    ['/cases/new', '1/6'],
    ['/emergency', 'Save and call now'],
    ['/referrals', 'CWAVYM'],
    ['/sync', 'Nothing is waiting.'],
    ['/more', 'Emergency numbers'],
    ['/more/facilities', 'Facilities'],
    ['/more/numbers', '113'],
    ['/more/help', 'How to use'],
    ['/person', 'Nông Thị Lan'],
  ]);
  expect(left).toEqual([]);
  await phone.open('/cases');
  const path = (await row(phone.page, 'XN4C73').getAttribute('href')) ?? '';
  const desk = await anotherPhone();
  expect(await stillVietnamese(desk, 'hanh', [
    ['/referrals', 'Restricted'],
    [path, 'What comes next'],
    [`${path}/history`, 'Nông Thị Lan'],
    [`${path}/referral`, 'What help is needed?'],
  ])).toEqual([]);
  const centre = await anotherPhone({ width: 1280, height: 800 });
  expect(await stillVietnamese(centre, 'thanh', [['/referrals', 'Inbox']])).toEqual([]);
});
