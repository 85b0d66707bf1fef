//! A map and a set, each one sorted list. The maps of the standard library are trees whose growing and shrinking is
//! compiled anew for each key and value, and every phone downloads that; here only moving a pair is. Finding takes as
//! long as in a tree. Inserting moves what lies behind, so many at once are collected or extended by, which sorts once.

use std::{cmp::Ordering, fmt, marker::PhantomData, mem, ops::Index};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

use crate::order;

/// Pairs in the order of their keys, each key once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<K, V> {
    pairs: Vec<(K, V)>,
}

/// Elements in their order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    map: Map<T, ()>,
}

impl<K: Ord, V> Map<K, V> {
    #[must_use]
    pub fn new() -> Self {
        Self { pairs: vec![] }
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.place(key).ok()?;
        Some(&self.pairs[at].1)
    }
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.place(key).ok()?;
        Some(&mut self.pairs[at].1)
    }
    /// The value of a key, which gets one if it has none.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let at = match self.place(&key) {
            Ok(at) => at,
            Err(at) => {
                self.pairs.insert(at, (key, value()));
                at
            }
        };
        &mut self.pairs[at].1
    }
    /// Puts a value in the place of the one it returns.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(at) => Some(mem::replace(&mut self.pairs[at].1, value)),
            Err(at) => {
                self.pairs.insert(at, (key, value));
                None
            }
        }
    }
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.place(key).ok()?;
        Some(self.pairs.remove(at).1)
    }
    pub fn retain(&mut self, mut stays: impl FnMut(&K, &mut V) -> bool) {
        self.pairs.retain_mut(|(key, value)| stays(key, value));
    }
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.into_iter()
    }
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.pairs.iter_mut().map(|(key, value)| (&*key, value))
    }
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.pairs.iter().map(|(key, _)| key)
    }
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.pairs.iter().map(|(_, value)| value)
    }

    fn place(&self, key: &K) -> Result<usize, usize> {
        place(self.pairs.len(), &|at| self.pairs[at].0.cmp(key))
    }
}

/// Where what is looked for lies among `len`, or belongs; `compare` says how the one at a place stands to it.
fn place(len: usize, compare: &dyn Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut from, mut to) = (0, len);
    while from < to {
        let middle = from.midpoint(to);
        match compare(middle) {
            Ordering::Less => from = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => to = middle,
        }
    }
    Err(from)
}

impl<T: Ord> Set<T> {
    #[must_use]
    pub fn new() -> Self {
        Self { map: Map::new() }
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }
    #[must_use]
    pub fn contains(&self, element: &T) -> bool {
        self.map.contains_key(element)
    }
    /// Whether it is new.
    pub fn insert(&mut self, element: T) -> bool {
        self.map.insert(element, ()).is_none()
    }
    /// Whether it was there.
    pub fn remove(&mut self, element: &T) -> bool {
        self.map.remove(element).is_some()
    }
    pub fn iter(&self) -> Elements<'_, T> {
        self.into_iter()
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { pairs: vec![] }
    }
}
impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { map: Map::default() }
    }
}

/// Of pairs with one key the last stays.
impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for pair in pairs {
            self.pairs.push(pair);
        }
        order::sort_by(&mut self.pairs, |a, b| a.0.cmp(&b.0));
        self.pairs.dedup_by(|later, earlier| {
            let again = later.0 == earlier.0;
            if again {
                mem::swap(later, earlier);
            }
            again
        });
    }
}
impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        self.map.extend(elements.into_iter().map(|element| (element, ())));
    }
}
impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }
}
impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut set = Self::new();
        set.extend(elements);
        set
    }
}
impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}
impl<T: Ord, const N: usize> From<[T; N]> for Set<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}
/// For a key that is there.
impl<K: Ord, V> Index<&K> for Map<K, V> {
    type Output = V;
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("a key that is there")
    }
}

/// The pairs of a [`Map`].
pub type Iter<'a, K, V> = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;
/// The elements of a [`Set`].
pub type Elements<'a, T> = std::iter::Map<std::slice::Iter<'a, (T, ())>, fn(&'a (T, ())) -> &'a T>;

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;
    fn into_iter(self) -> Iter<'a, K, V> {
        self.pairs.iter().map(|(key, value)| (key, value))
    }
}
impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;
    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}
impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = Elements<'a, T>;
    fn into_iter(self) -> Elements<'a, T> {
        self.map.pairs.iter().map(|(element, ())| element)
    }
}
impl<T> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(T, ())>, fn((T, ())) -> T>;
    fn into_iter(self) -> Self::IntoIter {
        self.map.pairs.into_iter().map(|(element, ())| element)
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}
impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}
impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Map<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
            type Value = Map<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Map<K, V>, A::Error> {
                let mut pairs = vec![];
                while let Some(pair) = members.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}
impl<'de, T: Deserialize<'de> + Ord> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_lie_in_the_order_of_their_keys_and_the_last_of_a_key_counts() {
        let mut map: Map<&str, u8> = [("c", 1), ("a", 2), ("c", 3), ("b", 4), ("c", 5)].into_iter().collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&"a", &2), (&"b", &4), (&"c", &5)]);
        assert_eq!(map.insert("b", 6), Some(4));
        assert_eq!(map.insert("aa", 7), None);
        map.extend([("d", 8), ("a", 9)]);
        assert_eq!(map.keys().collect::<Vec<_>>(), [&"a", &"aa", &"b", &"c", &"d"]);
        assert_eq!(map.values().collect::<Vec<_>>(), [&9, &7, &6, &5, &8]);
        assert_eq!(map.len(), 5);
    }

    #[test]
    fn what_was_put_in_is_found_and_what_was_taken_out_is_not() {
        let mut map = Map::new();
        for key in [5, 1, 9, 3, 7] {
            map.insert(key, key * 10);
        }
        for key in [1, 3, 5, 7, 9] {
            assert_eq!(map.get(&key), Some(&(key * 10)));
        }
        for key in [0, 2, 4, 6, 8, 10] {
            assert!(!map.contains_key(&key));
        }
        assert_eq!(map.remove(&5), Some(50));
        assert_eq!(map.remove(&5), None);
        assert_eq!(map.get_mut(&5), None);
        *map.get_or_insert_with(4, || 0) += 1;
        *map.get_or_insert_with(4, || 0) += 1;
        map.retain(|key, _| *key != 9);
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [(1, 10), (3, 30), (4, 2), (7, 70)]);
    }

    #[test]
    fn a_set_has_each_element_once() {
        let mut set: Set<u8> = [3, 1, 3, 2].into_iter().collect();
        assert!(!set.insert(2));
        assert!(set.insert(0));
        assert!(set.remove(&3));
        assert!(!set.remove(&3));
        assert!(set.contains(&1) && !set.contains(&3));
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn they_are_read_and_written_as_maps_and_lists() {
        let map: Map<String, u8> = crate::json::read(br#"{"b":1,"a":2,"b":3}"#).unwrap();
        assert_eq!(crate::json::write_text(&map).as_deref(), Ok(r#"{"a":2,"b":3}"#));
        let set: Set<u8> = crate::json::read(b"[3,1,2,1]").unwrap();
        assert_eq!(crate::json::write_text(&set).as_deref(), Ok("[1,2,3]"));
        assert_eq!(serde_json::to_string(&(map, set)).unwrap(), r#"[{"a":2,"b":3},[1,2,3]]"#);
    }
}
