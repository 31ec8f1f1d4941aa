//! Which keys of a fault go with which action.

use super::tables::impairments;

/// What goes with one action of a fault.
pub(super) struct ActionKeys {
    /// The word at `action`.
    pub name: &'static str,
    /// Keys of the action, beside those of every fault.
    pub keys: &'static [&'static str],
    /// Those of `keys` it can not do without.
    pub required: &'static [&'static str],
    /// True if impairments go with it, too.
    pub impairments: bool,
    /// The only trigger that gives it something to act on, if not all do.
    pub trigger: Option<&'static str>,
}

/// Keys that go with every action.
pub(super) const FAULT_KEYS: [&str; 10] =
    ["name", "optional", "packet", "at", "event", "nth", "first", "every", "chance", "action"];

/// The ways to say which matches count.
pub(super) const PICKS: [&str; 4] = ["nth", "first", "every", "chance"];

/// The ways to corrupt a datagram.
pub(super) const CORRUPTIONS: [&str; 6] =
    ["bits", "burst", "swap-bytes", "truncate", "flip", "keep"];

/// The triggers.
pub(super) const TRIGGERS: [&str; 3] = ["packet", "at", "event"];

const fn action(
    name: &'static str,
    trigger: Option<&'static str>,
    keys: &'static [&'static str],
    required: &'static [&'static str],
) -> ActionKeys {
    ActionKeys { name, keys, required, impairments: false, trigger }
}

/// Every action.
pub(super) const ACTIONS: [ActionKeys; 13] = [
    action("drop", Some("packet"), &[], &[]),
    action("duplicate", Some("packet"), &["copies", "after"], &[]),
    action("delay", Some("packet"), &["by"], &["by"]),
    action("corrupt", Some("packet"), &CORRUPTIONS, &[]),
    action("hold", Some("packet"), &["for"], &["for"]),
    action("partition", None, &["groups", "from", "to", "for"], &[]),
    action("crash", None, &["host", "for"], &["host"]),
    action("pause", None, &["host", "for"], &["host"]),
    action("clock-step", None, &["host", "by"], &["host", "by"]),
    action("corrupt-memory", Some("event"), &["host"], &["host"]),
    action("corrupt-disk", None, &["host"], &["host"]),
    ActionKeys { impairments: true, ..action("link", None, &["from", "to", "both", "for"], &[]) },
    action("calm", None, &[], &[]),
];

impl ActionKeys {
    /// All keys that may stand beside this action.
    pub(super) fn allowed(&self) -> Vec<&'static str> {
        let mut names = FAULT_KEYS.to_vec();
        names.extend(self.keys);
        if self.impairments {
            names.extend(impairments().iter().map(|key| key.name));
        }
        names
    }
}
