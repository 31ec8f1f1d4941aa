//! The fewest of many: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"
//! (IEEE TSE 28(2), 2002), their algorithm *ddmin*.

/// The items without those that `fails` does not need, in their order. `fails` must hold for all of
/// them; then it holds for the result, and no longer if any one item of that is taken away, as long as
/// it answers every time.
pub(super) fn minimize<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = items.to_vec();
    if kept.is_empty() || fails(&[]) {
        return Vec::new();
    }
    let mut parts = 2;
    while kept.len() > 1 {
        let size = kept.len().div_ceil(parts);
        let chunks = || kept.chunks(size);
        let alone = chunks().find(|chunk| chunk.len() < kept.len() && fails(chunk));
        if let Some(chunk) = alone {
            kept = chunk.to_vec();
            parts = 2;
            continue;
        }
        let without = |left_out: usize| {
            let rest = chunks().enumerate().filter(|(index, _)| *index != left_out);
            rest.flat_map(|(_, chunk)| chunk.to_vec()).collect::<Vec<T>>()
        };
        let less = (0..chunks().len()).map(without).find(|rest| !rest.is_empty() && fails(rest));
        match less {
            Some(rest) => {
                kept = rest;
                parts = (parts - 1).max(2);
            }
            None if size > 1 => parts = (parts * 2).min(kept.len()),
            None => break,
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_needed_is_kept_and_nothing_else(
            count in 0..200usize,
            needed in proptest::collection::btree_set(0..200usize, 0..6),
        ) {
            let items: Vec<usize> = (0..count).collect();
            let needed: Vec<usize> = needed.into_iter().filter(|one| *one < count).collect();
            let fails = |some: &[usize]| needed.iter().all(|one| some.contains(one));
            prop_assert_eq!(minimize(&items, fails), needed);
        }
    }

    #[test]
    fn each_of_what_is_left_matters_even_if_it_is_not_the_least() {
        // Three of the first five, or the last one with the first.
        let fails = |some: &[u32]| {
            some.iter().filter(|one| **one < 5).count() >= 3
                || (some.contains(&9) && some.contains(&0))
        };
        let left = minimize(&(0..10).collect::<Vec<u32>>(), fails);
        assert!(fails(&left));
        for one in &left {
            let without: Vec<u32> = left.iter().copied().filter(|other| other != one).collect();
            assert!(!fails(&without), "{left:?} without {one}");
        }
    }
}
