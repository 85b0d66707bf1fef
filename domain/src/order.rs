//! One stable sort for every list. The sort of the standard library is compiled anew for each type, five kilobytes that
//! every phone downloads each time; here only the comparing and swapping is.

use std::cmp::Ordering;

/// Sorts by a key; equal ones stay as they were.
pub fn sort_by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(list, |a, b| key(a).cmp(&key(b)));
}

/// Sorts by a comparison; equal ones stay as they were.
pub fn sort_by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let order = ordered(list.len(), &|a, b| compare(&list[a], &list[b]));
    arrange(order, &mut |a, b| list.swap(a, b));
}

/// At each place, which one belongs there.
fn ordered(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

/// Swaps until each stands where it belongs, circle by circle.
fn arrange(mut order: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..order.len() {
        let mut at = start;
        while order[at] != start {
            let from = std::mem::replace(&mut order[at], at);
            swap(at, from);
            at = from;
        }
        order[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_stay_as_they_were() {
        let mut list = vec![("b", 1), ("a", 2), ("b", 0), ("a", 1)];
        sort_by_key(&mut list, |(name, _)| *name);
        assert_eq!(list, [("a", 2), ("a", 1), ("b", 1), ("b", 0)]);
        sort_by(&mut list, |a, b| b.1.cmp(&a.1));
        assert_eq!(list, [("a", 2), ("a", 1), ("b", 1), ("b", 0)]);
        let mut shuffled: Vec<usize> = (0..97).map(|n| n * 31 % 97).collect();
        sort_by_key(&mut shuffled, |n| *n);
        assert!(shuffled.into_iter().eq(0..97));
        let mut none: Vec<u8> = vec![];
        sort_by_key(&mut none, |n| *n);
        assert!(none.is_empty());
    }
}
