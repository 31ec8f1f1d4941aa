//! A protocol's description of its own datagrams.

/// What a datagram is: its kind, and named numbers such as `seq` or `call`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dissection {
    /// The kind, one of those the protocol declares.
    pub kind: &'static str,
    /// Fields by name, in the order in which they should be shown.
    pub fields: Vec<(&'static str, u64)>,
}

impl Dissection {
    /// A datagram of this kind without fields.
    pub fn new(kind: &'static str) -> Self {
        Dissection { kind, fields: Vec::new() }
    }

    /// Adds a field.
    pub fn with(mut self, name: &'static str, value: u64) -> Self {
        self.fields.push((name, value));
        self
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<u64> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

impl std::fmt::Display for Dissection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Reads a datagram; `None` if it is not one of the protocol's. Must be pure and accept any bytes.
pub type Dissect = fn(&[u8]) -> Option<Dissection>;
