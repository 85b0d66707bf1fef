//! Finding somebody by name as tired people type it: without tone marks, with d for đ, any words in any order.

/// Folds text for search: lower case, tone and vowel marks removed, đ → d, runs of space to one.
///
/// ```
/// # use domain::search::fold;
/// assert_eq!(fold("Hoàng  Thị MỶ"), "hoang thi my");
/// assert_eq!(fold("Đồng Đăng"), "dong dang");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(small) {
        match c {
            // Combining marks of a decomposed text.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(bare(c)),
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// In small letters; see [`small`].
#[must_use]
pub fn lower(text: &str) -> String {
    text.chars().map(small).collect()
}

/// The small letter of a capital of Latin-1, Latin Extended-A and Vietnamese, which is what names here are written in;
/// any other character as it is. The tables of all the world's letters weigh as much as a whole screen of the field app.
#[must_use]
pub fn small(c: char) -> char {
    let moved = match c {
        'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' => 32,
        // Capitals and small letters take turns, capitals on even places or on odd ones.
        'Ā'..='ķ' | 'Ŋ'..='ŷ' | 'Ơ'..='ơ' | '\u{1ea0}'..='\u{1ef9}' if !matches!(c, 'İ' | 'ı') => {
            (u32::from(c) + 1) & 1
        }
        'Ƀ' => return 'ƀ',
        'Ĺ'..='ň' | 'Ź'..='ž' | 'Ư'..='ư' => u32::from(c) & 1,
        _ => 0,
    };
    char::from_u32(u32::from(c) + moved).unwrap_or(c)
}

/// The capital of a small letter, the other way round of [`small`].
#[must_use]
pub fn large(c: char) -> char {
    // A capital lies 32 or 1 before its small letter.
    let before =
        |n: u32| char::from_u32(u32::from(c).wrapping_sub(n)).filter(|capital| *capital != c && small(*capital) == c);
    before(32).or_else(|| before(1)).unwrap_or(c)
}

/// The letter without marks. Covers the Vietnamese letters of Latin-1, Latin Extended-A/B and Extended Additional.
fn bare(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ă' | 'ä' | 'å' | '\u{1ea1}'..='\u{1eb7}' => 'a',
        'è' | 'é' | 'ê' | 'ë' | '\u{1eb8}'..='\u{1ec7}' => 'e',
        'ì' | 'í' | 'ĩ' | 'î' | 'ï' | '\u{1ec8}'..='\u{1ecb}' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ơ' | '\u{1ecc}'..='\u{1ee3}' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ư' | '\u{1ee4}'..='\u{1ef1}' => 'u',
        'ý' | 'ÿ' | '\u{1ef2}'..='\u{1ef9}' => 'y',
        'đ' => 'd',
        'ƀ' => 'b',
        'ç' | 'č' => 'c',
        'ñ' => 'n',
        c => c,
    }
}

/// What somebody typed into the search box.
#[derive(Debug, Clone)]
pub struct Query {
    words: Vec<String>,
    typed: String,
    has_marks: bool,
}

impl Query {
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let typed = lower(typed.trim());
        let folded = fold(&typed);
        Self {
            words: folded.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect(),
            has_marks: folded != typed,
            typed,
        }
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
    /// How well a text matches, its folded form given: `None` not at all; higher is better. Marks typed by the person
    /// rank exact matches first.
    #[must_use]
    pub fn rank(&self, folded: &str, original: &str) -> Option<u8> {
        if !self.words.iter().all(|word| folded.split(' ').any(|w| w.starts_with(word.as_str()))) {
            return None;
        }
        Some(if self.has_marks && lower(original).contains(&self.typed) { 2 } else { 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_marks_and_marks_rank_exact_matches_first() {
        let rank = |q: &str, name: &str| Query::new(q).rank(&fold(name), name);
        assert_eq!(rank("hoang my", "Hoàng Thị Mỷ"), Some(1));
        assert_eq!(rank("Mỷ", "Hoàng Thị Mỷ"), Some(2));
        assert_eq!(rank("Mỷ", "Hoàng Thị My"), Some(1));
        assert_eq!(rank("dong", "Lý Đông"), Some(1));
        assert_eq!(rank("lan", "Hoàng Thị Mỷ"), None);
    }

    #[test]
    fn every_vietnamese_letter_folds_to_plain_ascii() {
        let all = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ";
        assert!(fold(all).is_ascii(), "{}", fold(all));
        assert!(fold(&all.to_uppercase()).is_ascii());
        assert_eq!(lower(&all.to_uppercase()), all);
        assert_eq!(all.chars().map(large).collect::<String>(), all.to_uppercase());
        // The same letters as base and combining mark.
        assert_eq!(fold("Mo\u{302}\u{301}i"), "moi");
    }

    #[test]
    fn letters_become_small_and_large_as_unicode_says() {
        for c in ('\0'..='\u{17f}').chain(['Ơ', 'ơ', 'Ư', 'ư']).chain('\u{1ea0}'..='\u{1ef9}') {
            // Letters whose other form is two letters, or lies elsewhere.
            if matches!(c, 'µ' | 'ß' | 'ÿ' | 'İ' | 'ı' | 'ŉ' | 'Ÿ' | 'ſ') {
                continue;
            }
            assert_eq!(Some(small(c)), c.to_lowercase().next(), "{c}");
            assert_eq!(Some(large(c)), c.to_uppercase().next(), "{c}");
        }
        assert_eq!(small('ພ'), 'ພ');
        // Ê Đê and Ba Na names.
        assert_eq!(fold("Y Ƀhăm Čil"), "y bham cil");
    }
}
