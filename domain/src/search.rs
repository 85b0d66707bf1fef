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
    for c in text.chars().flat_map(char::to_lowercase) {
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
        'ç' => 'c',
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
        let typed = typed.trim().to_lowercase();
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
        Some(if self.has_marks && original.to_lowercase().contains(&self.typed) { 2 } else { 1 })
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
        // The same letters as base and combining mark.
        assert_eq!(fold("Mo\u{302}\u{301}i"), "moi");
    }
}
