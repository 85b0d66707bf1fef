// The cases that every system carries: plain documents of some 600 bytes, each with another story. The same for the same
// number, so that a run can be made again.

export const PAGE = 500;
/** How the ids begin: a UUIDv7 of one day in February 2026. */
export const OURS = '019c2f3a-4b00-7';

const FAMILY = 'Nông Hoàng Triệu Lý Lương Chu Đặng Vi Hứa Bế Lục Phùng Dương'.split(' ');
const MIDDLE = ['Thị', 'Văn', 'Thị Hồng', 'Mùi', 'Minh', 'Thị Bích', 'Quang', 'Thanh', 'Thị Ngọc', 'Đức', 'Láo'];
const GIVEN = 'Sliêng Mẩy Chảo Thắm Khuê Xuân Páo Diễm Sính Nguyệt Huy Ghển Ánh'.split(' ');
const TILES = ['elderly', 'disability', 'child', 'illness', 'poverty'];
const CODE = 'ACDEFGHKMNPRTVWXY34679';
const WORDS = (
  'bà ông cháu sống một mình ở đầu cuối bản nhà sàn cạnh suối bên đồi dưới chân núi ngã hai ba lần trong tháng tuần năm '
  + 'qua chân tay lưng đau yếu mệt không đi được rẫy nương chợ trạm y tế xã huyện con trai gái làm xa thuê miền nam xuôi '
  + 'gửi tiền ít khi về hàng xóm nấu cơm giúp gạo còn đủ đến mùa giáp hạt thiếu nước sạch mái dột tường nứt mưa lạnh thuốc '
  + 'huyết áp khớp mắt kém tai nghe khó nói chậm tiếng Tày Nùng Dao Mông hiểu viết đọc giấy tờ bảo hiểm hết hạn mất cháy '
  + 'học lớp bỏ nghỉ bạn thầy cô giáo trường xa đường trơn lũ cầu treo trâu bò lợn gà dịch chết vay nợ ngân hàng chính sách'
).split(' ');

/** A generator of numbers below 1 that follow from a seed (mulberry32). */
function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function documents(count, village) {
  const next = chance(7);
  const of = (list) => list[Math.floor(next() * list.length)];
  const hex = (digits) => Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('');
  const say = (words) => {
    const text = Array.from({ length: words }, () => of(WORDS)).join(' ');
    return `${text[0].toUpperCase()}${text.slice(1)}.`;
  };
  const author = '0190a000-0000-7000-8000-000000000001';
  const all = [];
  for (let i = 0; i < count; i += 1) {
    let code = '';
    for (let rest = i + 1, k = 0; k < 6; k += 1, rest = Math.floor(rest / CODE.length)) code += CODE[rest % CODE.length];
    const recorded_at = 1_770_100_000_000 + i * 1000;
    all.push({
      // Rising, as the moments of their recording are.
      id: `${OURS}${i.toString(16).padStart(5, '0').slice(0, 3)}-8${i.toString(16).padStart(5, '0').slice(3)}0-${hex(12)}`,
      code,
      full_name: `${of(FAMILY)} ${of(MIDDLE)} ${of(GIVEN)}`,
      sex: next() < 0.5 ? 'female' : 'male',
      approximate_age: 1 + Math.floor(next() * 95),
      phone: `0900${String(100_000 + i).slice(-6)}`,
      village,
      home: say(6),
      tile: of(TILES),
      what_happened: say(20),
      health: say(9),
      household: say(7),
      urgency: 'normal',
      status: 'new',
      consent: 'agreed',
      confidentiality: 'normal',
      author,
      recorded_at,
      updated_at: recorded_at,
    });
  }
  return all;
}
