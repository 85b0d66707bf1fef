//! JSON as phone and office write and read it: one door for every type. It knows the shapes that our types take, not the
//! types.
//!
//! A text is read once into [`Node`]s and every type is then read from them. `serde_json` could read each type by itself,
//! but it compiles a parser into each of them, and every phone downloads that: with this door the field app is a seventh
//! lighter. It is also one rule for both ends: a unit variant may grow a content that an older reader passes over, and
//! numbers are whole.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
    forward_to_deserialize_any, ser,
};

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

/// Reads a value.
///
/// # Errors
/// [`Unreadable`] when the text is not JSON of this type, holds a number that is not whole or not within `i64`, or is
/// nested deeper than 128.
pub fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Unreadable> {
    T::deserialize(parse(text)?)
}

/// Writes a value, in the very bytes of `serde_json`.
///
/// # Errors
/// [`Unwritable`].
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Unwritable> {
    let mut text = vec![];
    value.serialize(Pen(&mut text))?;
    Ok(text)
}

/// As [`write`], as a text.
///
/// # Errors
/// [`Unwritable`].
pub fn write_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Unwritable> {
    String::from_utf8(write(value)?).map_err(|_| Unwritable)
}

/// The name of the variant that a text of an enum says, known or not.
#[must_use]
pub fn variant(text: &[u8]) -> Option<String> {
    let name = match parse(text).ok()? {
        Node::Text(name) => name,
        Node::Map(mut members) if members.len() == 1 => members.pop()?.0,
        _ => return None,
    };
    Some(name.into_owned())
}

fn parse(text: &[u8]) -> Result<Node<'_>, Unreadable> {
    serde_json::from_slice(text).map_err(|_| Unreadable)
}

/// One value of a JSON text.
#[derive(Debug)]
enum Node<'de> {
    Null,
    Bool(bool),
    Whole(i64),
    Text(Cow<'de, str>),
    List(Vec<Node<'de>>),
    Map(Vec<(Cow<'de, str>, Node<'de>)>),
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Whole(value))
    }
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node<'de>, E> {
        i64::try_from(value).map(Node::Whole).map_err(E::custom)
    }
    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let mut list = vec![];
        while let Some(node) = seq.next_element()? {
            list.push(node);
        }
        Ok(Node::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = vec![];
        // A key is read as a node so that it can be borrowed.
        while let Some(key) = map.next_key()? {
            let Node::Text(key) = key else { return Err(A::Error::custom("a key is a text")) };
            members.push((key, map.next_value()?));
        }
        Ok(Node::Map(members))
    }
}

impl<'de> Node<'de> {
    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::List(list) => visitor.visit_seq(Elements(list.into_iter())),
            _ => Err(Unreadable),
        }
    }
    fn map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Map(members) => visitor.visit_map(Members { rest: members.into_iter(), value: Self::Null }),
            _ => Err(Unreadable),
        }
    }
    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Whole(number) => visitor.visit_i64(number),
            _ => Err(Unreadable),
        }
    }
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Text(text) => visitor.visit_str(&text),
            _ => Err(Unreadable),
        }
    }
}

macro_rules! read_as {
    ($as:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> { self.$as(visitor) })*
    };
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Unreadable;

    read_as! { whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
    deserialize_u32 deserialize_u64 }
    read_as! { text: deserialize_str deserialize_string deserialize_identifier }
    read_as! { list: deserialize_seq }
    read_as! { map: deserialize_map }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            _ => Err(Unreadable),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Null => visitor.visit_none(),
            node => visitor.visit_some(node),
        }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Null => visitor.visit_unit(),
            _ => Err(Unreadable),
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
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
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self)
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }
    /// Of what a type does not say, nothing is guessed.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
    forward_to_deserialize_any! { i128 u128 f32 f64 char bytes byte_buf unit_struct }
}

struct Elements<'de>(std::vec::IntoIter<Node<'de>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Members<'de> {
    rest: std::vec::IntoIter<(Cow<'de, str>, Node<'de>)>,
    /// Of the key that was given last.
    value: Node<'de>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(Node::Text(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        seed.deserialize(std::mem::replace(&mut self.value, Node::Null))
    }
}

/// An enum is its variant's name, or a map with that name and the content.
impl<'de> EnumAccess<'de> for Node<'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unreadable> {
        let (name, content) = match self {
            Self::Text(_) => (self, Self::Null),
            Self::Map(mut members) if members.len() == 1 => {
                let (name, content) = members.pop().ok_or(Unreadable)?;
                (Self::Text(name), content)
            }
            _ => return Err(Unreadable),
        };
        Ok((seed.deserialize(name)?, content))
    }
}

impl<'de> VariantAccess<'de> for Node<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unreadable> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }
}

/// Writes one value behind what is there.
struct Pen<'a>(&'a mut Vec<u8>);

impl Pen<'_> {
    fn put(self, text: &str) -> Result<(), Unwritable> {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
    fn whole(self, number: i64) -> Result<(), Unwritable> {
        serde_json::to_writer(self.0, &number).map_err(|_| Unwritable)
    }
    fn text(self, text: &str) -> Result<(), Unwritable> {
        serde_json::to_writer(self.0, text).map_err(|_| Unwritable)
    }
}

impl<'a> Pen<'a> {
    fn open(self, bracket: u8) -> Inside<'a> {
        self.0.push(bracket);
        Inside { text: self.0, close: bracket + 2, outer: false, is_first: true }
    }
    /// Opens the map around a variant's content, and the content.
    fn open_in(self, variant: &str, bracket: u8) -> Result<Inside<'a>, Unwritable> {
        self.0.push(b'{');
        Pen(self.0).text(variant)?;
        self.0.push(b':');
        Ok(Inside { outer: true, ..Pen(self.0).open(bracket) })
    }
}

/// A list or a map that is being written.
struct Inside<'a> {
    text: &'a mut Vec<u8>,
    close: u8,
    /// A map of one variant's name stands around it.
    outer: bool,
    is_first: bool,
}

impl Inside<'_> {
    fn next(&mut self) -> Pen<'_> {
        if !std::mem::take(&mut self.is_first) {
            self.text.push(b',');
        }
        Pen(self.text)
    }
    fn member(&mut self, name: &str) -> Result<Pen<'_>, Unwritable> {
        self.next().text(name)?;
        self.text.push(b':');
        Ok(Pen(self.text))
    }
    fn close(self) -> Result<(), Unwritable> {
        self.text.push(self.close);
        if self.outer {
            self.text.push(b'}');
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
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Unwritable> {
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
        value.serialize(Pen(self.text))
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
        assert_eq!(variant(br#"{"a":1,"b":2}"#), None);
        assert_eq!(variant(b"7"), None);
    }
}
