//! JSON as phone and office write and read it: one door for every type. It knows the shapes that our types take, not the
//! types.
//!
//! Every type is read from one [`Reader`], which does what needs no type to be known. `serde_json`, which the office still uses
//! where an envelope must keep its body as it came, compiles a parser into each type and brings the tables of all decimal
//! fractions along, and every phone downloads that: with this door the field app is a sixth lighter. It is also one rule for both ends: a unit variant may grow a content that an older reader passes over, and
//! numbers are whole.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
    forward_to_deserialize_any,
    ser::{self, SerializeStruct},
};
use serde_json::value::RawValue;

/// A text that is not JSON, or not of the type that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not what it should be")]
pub struct Unreadable;

/// A value with something that our JSON has no form for: a number that is not whole, bytes, a key that is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value that has no form in JSON")]
pub struct Unwritable;

impl ser::Error for Unwritable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl serde::de::Error for Unreadable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Where the first byte stands that means something within a text: a quotation mark, a backslash or one below the space.
/// None of them is part of a longer character. Eight bytes at a time, since all that is pulled and stored goes through here.
fn find_special(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The lowest high bit that is set marks the first such byte; those above it may be set by what it borrows.
    let below = |eight: u64, limit: u64| eight.wrapping_sub(ONES * limit) & !eight & HIGH;
    let is = |eight: u64, byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    let (eights, rest) = text.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let found = below(eight, 0x20) | is(eight, b'"') | is(eight, b'\\');
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let last = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(eights.len() * 8 + last)
}

/// Reads a value.
///
/// # Errors
/// [`Unreadable`] when the text is not JSON of this type, holds a number that is not whole or not within `i64`, or is
/// nested deeper than 128.
pub fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Unreadable> {
    let mut reader = Reader::of(std::str::from_utf8(text).map_err(|_| Unreadable)?);
    let value = T::deserialize(&mut reader)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err(Unreadable) }
}

/// Writes a value, in the very bytes of `serde_json`.
///
/// # Errors
/// [`Unwritable`].
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Unwritable> {
    let mut text = vec![];
    value.serialize(Pen::new(&mut text))?;
    Ok(text)
}

/// As [`write`], as a text.
///
/// # Errors
/// [`Unwritable`].
pub fn write_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Unwritable> {
    String::from_utf8(write(value)?).map_err(|_| Unwritable)
}

/// A value as its JSON text: written as it is, read by nobody on the way. Unlike `serde_json`'s own, one that was just
/// written is not parsed again to be believed, which would bring that parser to every phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(Box<str>);

impl Raw {
    /// # Errors
    /// [`Unwritable`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Unwritable> {
        Ok(Self(write_text(value)?.into()))
    }
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, &self.0)?;
        raw.end()
    }
}

/// From `serde_json` only.
impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

/// The name of the variant that a text of an enum says, known or not.
#[must_use]
pub fn variant(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut reader = Reader::of(text);
    // Of a content that this version cannot read the name is still told.
    let is_map = reader.step(b'{').is_some();
    let name = reader.text()?;
    let goes_on = if is_map { reader.step(b':').is_some() } else { reader.at == text.trim_end().len() };
    goes_on.then(|| name.into_owned())
}

/// Reads JSON (RFC 8259), whole numbers only.
struct Reader<'de> {
    text: &'de str,
    /// Bytes read; always between two characters.
    at: usize,
    depth: u8,
}

/// Lists and maps within each other; more is nothing that anybody means.
const DEPTH: u8 = 128;

/// What needs no type to be known, so that it is compiled once.
impl<'de> Reader<'de> {
    fn of(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }
    /// What stands behind any space.
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        self.peek()
    }
    /// Steps over `mark` behind any space.
    fn step(&mut self, mark: u8) -> Option<()> {
        (self.next()? == mark).then(|| self.at += 1)
    }
    /// Steps over `word`, which begins here.
    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }
    fn open(&mut self, bracket: u8) -> Option<Between> {
        self.step(bracket)?;
        self.depth += 1;
        // Both closing brackets stand two places behind the opening ones in ASCII.
        (self.depth <= DEPTH).then_some(Between { close: bracket + 2, is_first: true, is_over: false })
    }
    /// Whether another element or member begins here; if none does, its bracket is closed.
    fn goes_on(&mut self, inside: &mut Between) -> Option<bool> {
        if inside.is_over {
            return Some(false);
        }
        if self.next()? == inside.close {
            self.at += 1;
            self.depth -= 1;
            inside.is_over = true;
            return Some(false);
        }
        if !std::mem::take(&mut inside.is_first) {
            self.step(b',')?;
            // Not a comma before the bracket.
            self.next().filter(|next| *next != inside.close)?;
        }
        Some(true)
    }
    /// The name of the next member; its value follows.
    fn member(&mut self, inside: &mut Between) -> Option<Option<Cow<'de, str>>> {
        if !self.goes_on(inside)? {
            return Some(None);
        }
        let name = self.text()?;
        self.step(b':')?;
        Some(Some(name))
    }
    /// Passes over a value.
    fn skip(&mut self) -> Option<()> {
        match self.next()? {
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'"' => self.text().map(drop),
            b'[' => {
                let mut inside = self.open(b'[')?;
                while self.goes_on(&mut inside)? {
                    self.skip()?;
                }
                Some(())
            }
            b'{' => {
                let mut inside = self.open(b'{')?;
                while self.member(&mut inside)?.is_some() {
                    self.skip()?;
                }
                Some(())
            }
            _ => self.whole().map(drop),
        }
    }
    fn whole(&mut self) -> Option<i64> {
        self.skip_space();
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let digits = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let leads_with_nought = self.at - digits > 1 && self.text.as_bytes()[digits] == b'0';
        if leads_with_nought || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.text[start..self.at].parse().ok()
    }
    fn text(&mut self) -> Option<Cow<'de, str>> {
        self.step(b'"')?;
        let mut read = String::new();
        loop {
            let start = self.at;
            let rest = &self.text.as_bytes()[start..];
            let special = find_special(rest)?;
            self.at += special + 1;
            let plain = &self.text[start..start + special];
            match rest[special] {
                b'"' if read.is_empty() => return Some(Cow::Borrowed(plain)),
                b'"' => return Some(Cow::Owned(read + plain)),
                b'\\' => {
                    read.push_str(plain);
                    read.push(self.escaped()?);
                }
                _ => return None,
            }
        }
    }
    fn escaped(&mut self) -> Option<char> {
        let said = self.peek()?;
        self.at += 1;
        Some(match said {
            b'"' | b'\\' | b'/' => char::from(said),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) {
                    // Half of a character above U+FFFF: the other half follows.
                    if !self.text.as_bytes().get(self.at..)?.starts_with(b"\\u") {
                        return None;
                    }
                    self.at += 2;
                    let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)?
                } else {
                    char::from_u32(unit)?
                }
            }
            _ => return None,
        })
    }
    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.chars().try_fold(0, |unit, digit| Some(unit * 16 + digit.to_digit(16)?))
    }
}

/// Between two brackets.
struct Between {
    close: u8,
    is_first: bool,
    is_over: bool,
}

impl<'de> Reader<'de> {
    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        let mut inside = self.open(b'[').ok_or(Unreadable)?;
        let value = visitor.visit_seq(Elements { reader: self, inside: &mut inside })?;
        // What a tuple has no place for is not dropped in silence.
        if self.goes_on(&mut inside) == Some(false) { Ok(value) } else { Err(Unreadable) }
    }
    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        let mut inside = self.open(b'{').ok_or(Unreadable)?;
        let value = visitor.visit_map(Members { reader: self, inside: &mut inside })?;
        if self.goes_on(&mut inside) == Some(false) { Ok(value) } else { Err(Unreadable) }
    }
}

macro_rules! read_as {
    ($($as:ident: $visit:ident $($method:ident)*;)*) => {
        $($(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(self.$as().ok_or(Unreadable)?)
        })*)*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    read_as! {
        whole: visit_i64 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.text().ok_or(Unreadable)?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let value = self.next() == Some(b't');
        self.word(if value { "true" } else { "false" }).ok_or(Unreadable)?;
        visitor.visit_bool(value)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.next() == Some(b'n') {
            self.word("null").ok_or(Unreadable)?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip_space();
        self.word("null").ok_or(Unreadable)?;
        visitor.visit_unit()
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }
    /// An enum is its variant's name, or a map with that name and the content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if self.next() == Some(b'"') {
            let name = self.text().ok_or(Unreadable)?;
            return visitor.visit_enum(Chosen { name, content: None });
        }
        let mut inside = self.open(b'{').ok_or(Unreadable)?;
        let name = self.member(&mut inside).flatten().ok_or(Unreadable)?;
        let value = visitor.visit_enum(Chosen { name, content: Some(self) })?;
        if self.goes_on(&mut inside) == Some(false) { Ok(value) } else { Err(Unreadable) }
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip().ok_or(Unreadable)?;
        visitor.visit_unit()
    }
    /// Of what a type does not say, nothing is guessed.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
    forward_to_deserialize_any! { i128 u128 f32 f64 char bytes byte_buf unit_struct }
}

struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    inside: &'a mut Between,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        if self.reader.goes_on(self.inside).ok_or(Unreadable)? {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }
}

struct Members<'a, 'de> {
    reader: &'a mut Reader<'de>,
    inside: &'a mut Between,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        match self.reader.member(self.inside).ok_or(Unreadable)? {
            Some(name) => seed.deserialize(Name(name)).map(Some),
            None => Ok(None),
        }
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        seed.deserialize(&mut *self.reader)
    }
}

/// The name of a member or of a variant.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Unreadable;

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.0)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.0)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.0)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(Chosen { name: self.0, content: None })
    }
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
    forward_to_deserialize_any! { bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit
    unit_struct seq tuple tuple_struct map struct ignored_any }
}

/// A variant by its name, with the content behind it if there is one.
struct Chosen<'a, 'de> {
    name: Cow<'de, str>,
    content: Option<&'a mut Reader<'de>>,
}

impl<'a, 'de> EnumAccess<'de> for Chosen<'a, 'de> {
    type Error = Unreadable;
    type Variant = Content<'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Unreadable> {
        Ok((seed.deserialize(Name(self.name))?, Content(self.content)))
    }
}

struct Content<'a, 'de>(Option<&'a mut Reader<'de>>);

impl<'de> VariantAccess<'de> for Content<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        self.0.map_or(Some(()), Reader::skip).ok_or(Unreadable)
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unreadable> {
        match self.0 {
            Some(reader) => seed.deserialize(reader),
            // A name alone has nothing for content.
            None => seed.deserialize(&mut Reader::of("null")),
        }
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.0.ok_or(Unreadable)?.list(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unreadable> {
        self.0.ok_or(Unreadable)?.map(visitor)
    }
}

/// Writes one value behind what is there.
struct Pen<'a> {
    text: &'a mut Vec<u8>,
    /// A text is JSON already: the content of a [`Raw`].
    is_json: bool,
}

/// The name by which `serde_json` knows its `RawValue`; a unit test holds on to it.
const RAW: &str = "$serde_json::private::RawValue";

impl Pen<'_> {
    fn put(self, text: &str) -> Result<(), Unwritable> {
        self.text.extend_from_slice(text.as_bytes());
        Ok(())
    }
    fn whole(self, number: i64) -> Result<(), Unwritable> {
        self.put(&number.to_string())
    }
    fn text(self, text: &str) -> Result<(), Unwritable> {
        if self.is_json {
            return self.put(text);
        }
        self.text.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = find_special(rest) {
            self.text.extend_from_slice(&rest[..at]);
            let byte = rest[at];
            let short = match byte {
                b'"' | b'\\' => byte,
                0x8 => b'b',
                0xc => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                _ => b'u',
            };
            self.text.extend_from_slice(&[b'\\', short]);
            if short == b'u' {
                let digit = |n: u8| b"0123456789abcdef"[usize::from(n)];
                self.text.extend_from_slice(&[b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
            rest = &rest[at + 1..];
        }
        self.text.extend_from_slice(rest);
        self.text.push(b'"');
        Ok(())
    }
}

impl<'a> Pen<'a> {
    fn new(text: &'a mut Vec<u8>) -> Self {
        Self { text, is_json: false }
    }
    fn open(self, bracket: u8) -> Inside<'a> {
        self.text.push(bracket);
        // Both closing brackets stand two places behind the opening ones in ASCII.
        Inside { text: self.text, close: bracket + 2, around: Around::Nothing, is_first: true }
    }
    /// Opens the map around a variant's content, and the content.
    fn open_in(self, variant: &str, bracket: u8) -> Result<Inside<'a>, Unwritable> {
        self.text.push(b'{');
        Pen::new(self.text).text(variant)?;
        self.text.push(b':');
        Ok(Inside { around: Around::Variant, ..Pen::new(self.text).open(bracket) })
    }
}

/// A list or a map that is being written.
struct Inside<'a> {
    text: &'a mut Vec<u8>,
    close: u8,
    around: Around,
    is_first: bool,
}

/// What stands around a list or a map.
enum Around {
    Nothing,
    /// A map of one variant's name.
    Variant,
    /// It is no map at all but a text of JSON.
    Json,
}

impl Inside<'_> {
    fn next(&mut self) -> Pen<'_> {
        if !std::mem::take(&mut self.is_first) {
            self.text.push(b',');
        }
        Pen::new(self.text)
    }
    fn member(&mut self, name: &str) -> Result<Pen<'_>, Unwritable> {
        if let Around::Json = self.around {
            return Ok(Pen { text: self.text, is_json: true });
        }
        self.next().text(name)?;
        self.text.push(b':');
        Ok(Pen::new(self.text))
    }
    fn close(self) -> Result<(), Unwritable> {
        match self.around {
            Around::Nothing => self.text.push(self.close),
            Around::Variant => self.text.extend_from_slice(&[self.close, b'}']),
            Around::Json => {}
        }
        Ok(())
    }
}

macro_rules! write_as_whole {
    ($($method:ident: $ty:ty,)*) => {
        $(fn $method(self, number: $ty) -> Result<(), Unwritable> {
            self.whole(i64::try_from(number).map_err(|_| Unwritable)?)
        })*
    };
}

impl<'a> Serializer for Pen<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    write_as_whole! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }
    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.put(if value { "true" } else { "false" })
    }
    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        Err(Unwritable)
    }
    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        Err(Unwritable)
    }
    fn serialize_char(self, character: char) -> Result<(), Unwritable> {
        self.text(character.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        self.text(text)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        Err(Unwritable)
    }
    fn serialize_none(self) -> Result<(), Unwritable> {
        self.put("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.put("null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.put("null")
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unwritable> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let mut around = self.open(b'{');
        value.serialize(around.member(variant)?)?;
        around.close()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Unwritable> {
        Ok(self.open(b'['))
    }
    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Unwritable> {
        Ok(self.open(b'['))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Unwritable> {
        Ok(self.open(b'['))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Unwritable> {
        self.open_in(variant, b'[')
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Unwritable> {
        Ok(self.open(b'{'))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Inside<'a>, Unwritable> {
        if name == RAW {
            return Ok(Inside { text: self.text, close: b'}', around: Around::Json, is_first: true });
        }
        Ok(self.open(b'{'))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Unwritable> {
        self.open_in(variant, b'{')
    }
}

macro_rules! write_elements {
    ($($of:ident $method:ident,)*) => {
        $(impl ser::$of for Inside<'_> {
            type Ok = ();
            type Error = Unwritable;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                value.serialize(self.next())
            }
            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        })*
    };
}
write_elements! {
    SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! write_members {
    ($($of:ident,)*) => {
        $(impl ser::$of for Inside<'_> {
            type Ok = ();
            type Error = Unwritable;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                value.serialize(self.member(name)?)
            }
            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        })*
    };
}
write_members! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        let start = self.text.len() + usize::from(!self.is_first);
        key.serialize(self.next())?;
        if self.text.get(start) == Some(&b'"') { Ok(()) } else { Err(Unwritable) }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.text.push(b':');
        value.serialize(Pen::new(self.text))
    }
    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Said {
        Nothing,
        One(String),
        Two(i64, bool),
        Both {
            a: u8,
            b: Option<Box<str>>,
        },
        #[serde(other)]
        Newer,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        said: Vec<Said>,
        by: BTreeMap<String, (u64, i32)>,
        #[serde(default)]
        absent: bool,
        nothing: Option<()>,
    }

    #[test]
    fn every_shape_is_read_as_serde_json_writes_it() {
        let all = All {
            said: vec![
                Said::Nothing,
                Said::One("Nông Thị \"Lan\"\n".to_owned()),
                Said::Two(-7, true),
                Said::Both { a: 255, b: Some("Nà Thông".into()) },
                Said::Both { a: 0, b: None },
            ],
            by: BTreeMap::from([("x".to_owned(), (i64::MAX as u64, i32::MIN))]),
            absent: true,
            nothing: None,
        };
        let text = serde_json::to_vec(&all).unwrap();
        assert_eq!(write(&all), Ok(text.clone()));
        assert_eq!(read::<All>(&text), Ok(all));
    }

    #[test]
    fn texts_are_written_and_read_as_serde_json_does() {
        let every: String =
            ('\0'..='\u{2ff}').chain(['\u{d7ff}', '\u{e000}', '\u{fffd}', '🛟', '\u{10ffff}']).collect();
        let text = serde_json::to_string(&every).unwrap();
        assert_eq!(write_text(&every).as_ref(), Ok(&text));
        assert_eq!(read::<String>(text.as_bytes()), Ok(every));
        let escaped = br#" "\u0041\/\ud83d\udedf\u00e9\b" "#;
        assert_eq!(read::<String>(escaped).as_deref(), Ok("A/🛟é\u{8}"));
        for broken in [
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\udedf""#,
            r#""\u12g4""#,
            r#""\u+123""#,
            r#""\x""#,
            "\"a\nb\"",
            "\"a",
            r#""\"#,
            "'a'",
        ] {
            assert!(read::<String>(broken.as_bytes()).is_err(), "{broken}");
            assert!(serde_json::from_str::<String>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for special in (0..=u8::MAX).filter(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            for plain in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xff] {
                for (at, length) in (0..20).flat_map(|length| (0..length).map(move |at| (at, length))) {
                    let mut text = vec![plain; length];
                    assert_eq!(find_special(&text), None, "{plain:#x}");
                    text[at] = special;
                    assert_eq!(find_special(&text), Some(at), "{special:#x} among {plain:#x}");
                    // What follows it changes nothing.
                    text[at..].iter_mut().for_each(|byte| *byte = special);
                    assert_eq!(find_special(&text), Some(at), "{special:#x} among {plain:#x}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        let good = r#" { "said" : [ "nothing" , { "two" : [ -7 , true ] } ] , "by" : { } , "nothing" : null } "#;
        assert!(read::<All>(good.as_bytes()).is_ok());
        assert!(serde_json::from_str::<All>(good).is_ok());
        for cut in 1..good.trim_end().len() {
            assert!(read::<All>(&good.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for broken in
            ["[1,]", "[,1]", "[1 2]", "[1", "01", "-", "+1", "[1]]", "{\"a\"}", "", " ", "nul", "[1]x", "\u{feff}[]"]
        {
            assert!(read::<Vec<i64>>(broken.as_bytes()).is_err(), "{broken}");
            assert!(serde_json::from_str::<Vec<i64>>(broken).is_err(), "{broken}");
        }
        assert!(read::<String>(b"\"\xff\"").is_err());
    }

    #[test]
    fn json_within_a_value_is_written_as_it_is() {
        let text = r#"[{"b": 1.50,"a":[]},{"b": 1.50,"a":[]}]"#;
        let raw: Vec<Raw> = serde_json::from_str(text).unwrap();
        assert_eq!(raw[0].get(), r#"{"b": 1.50,"a":[]}"#);
        assert_eq!(write_text(&raw).as_deref(), Ok(text));
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
        assert_eq!(write_text(&vec![Raw::of("a").unwrap()]).as_deref(), Ok(r#"["a"]"#));
    }

    #[test]
    fn a_value_without_a_form_is_refused() {
        assert_eq!(write(&1.5), Err(Unwritable));
        assert_eq!(write(&u64::MAX), Err(Unwritable));
        assert_eq!(write(&BTreeMap::from([(7, "x")])), Err(Unwritable));
    }

    #[test]
    fn what_is_not_expected_is_passed_over_and_what_is_missing_is_an_error() {
        let grown = br#"{"said":[],"by":{},"new":[{"deep":1.5e0}],"nothing":null}"#;
        assert!(read::<All>(grown).is_err(), "numbers are whole everywhere");
        let grown = br#"{"said":[],"by":{},"new":[{"deep":1}],"nothing":null}"#;
        assert_eq!(read::<All>(grown).map(|all| all.absent), Ok(false));
        assert!(read::<All>(br#"{"said":[]}"#).is_err());
        assert!(read::<All>(br#"{"said":[],"said":[],"by":{}}"#).is_err());
    }

    #[test]
    fn a_newer_variant_is_known_to_be_newer_with_and_without_content() {
        assert_eq!(read::<Said>(br#""unheard""#), Ok(Said::Newer));
        assert_eq!(read::<Said>(br#"{"unheard":{"of":[1,2]}}"#), Ok(Said::Newer));
        assert_eq!(read::<Said>(br#"{"nothing":{"grown":1}}"#), Ok(Said::Nothing));
        assert!(read::<Said>(br#"{"one":"a","two":[1,true]}"#).is_err());
        assert!(read::<Said>(br#"{"one":7}"#).is_err());
    }

    #[test]
    fn numbers_that_do_not_fit_are_errors() {
        assert_eq!(read::<u8>(b"255"), Ok(255));
        assert!(read::<u8>(b"256").is_err());
        assert!(read::<u64>(b"-1").is_err());
        assert!(read::<i64>(b"9223372036854775808").is_err());
        assert!(read::<u8>(b"1.0").is_err());
        assert!(read::<u8>(b"1 1").is_err());
        assert!(read::<(u8, u8)>(b"[1,2,3]").is_err());
        assert!(read::<(u8, u8)>(b"[1]").is_err());
    }

    #[test]
    fn a_text_that_is_nested_too_deep_is_an_error_and_no_overflow() {
        let deep = "[".repeat(100_000);
        assert!(read::<Said>(deep.as_bytes()).is_err());
    }

    #[test]
    fn the_name_of_a_variant_is_read_without_knowing_it() {
        assert_eq!(variant(br#""looked""#).as_deref(), Some("looked"));
        assert_eq!(variant(br#"{"unheard":{}}"#).as_deref(), Some("unheard"));
        assert_eq!(variant(br#" {"unheard" : {"of":1.5,"and":"\ud83d"}} "#).as_deref(), Some("unheard"));
        assert_eq!(variant(br#""a" 1"#), None);
        assert_eq!(variant(b"7"), None);
    }
}
