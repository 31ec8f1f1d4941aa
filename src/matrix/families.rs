//! The fault families: what a network and its hosts do to every protocol in turn.

/// One kind of trouble, as the part of a scenario file that makes it.
pub(super) struct Family {
    pub name: &'static str,
    /// What happens, in a few words.
    pub summary: &'static str,
    /// Links and faults, in TOML. The delay of 10 ms is set before them.
    pub faults: &'static str,
}

pub(super) const FAMILIES: [Family; 14] = [
    Family { name: "none", summary: "nothing goes wrong", faults: "" },
    Family {
        name: "loss",
        summary: "each datagram is lost with probability 20%",
        faults: "[[link]]\nloss = '20%'\n",
    },
    Family {
        name: "bursts",
        summary: "losses come in bursts, of 5 datagrams on average",
        faults: "[[link]]\nloss = { gemodel = { p = '5%', r = '20%' } }\n",
    },
    Family {
        name: "duplication",
        summary: "each datagram arrives twice with probability 20%",
        faults: "[[link]]\nduplicate = '20%'\n",
    },
    Family {
        name: "late duplicates",
        summary: "a copy of every fifth datagram comes a second later",
        faults: "[[fault]]\npacket = {}\nevery = 5\naction = 'duplicate'\nafter = '1s'\noptional = true\n",
    },
    Family {
        name: "reordering",
        summary: "delays vary from 5 to 55 ms, so that datagrams overtake each other",
        faults: "[[link]]\ndelay = '30ms'\njitter = '25ms'\n",
    },
    Family {
        name: "slow acks",
        summary: "what the server sends takes 300 ms",
        faults: "[[link]]\nfrom = 'server'\ndelay = '300ms'\n",
    },
    Family {
        name: "noise, checked",
        summary: "a bit flips in 20% of the datagrams, and UDP's checksum is on",
        faults: "[[link]]\ncorrupt = '20%'\n",
    },
    Family {
        name: "noise, unchecked",
        summary: "a bit flips in 20% of the datagrams, and UDP's checksum is off",
        faults: "[[link]]\ncorrupt = '20%'\nudp_checksum = false\n",
    },
    Family {
        name: "partition",
        summary: "after 30 ms nothing goes through for a second",
        faults: "[[fault]]\nat = '30ms'\nfor = '1s'\naction = 'partition'\n\
                 groups = [['server'], ['client-*']]\n",
    },
    Family {
        name: "full buffers",
        summary: "the way to the server is slow (15 ms for each datagram), and none may wait for it",
        faults: "[[link]]\nto = 'server'\nrate = '50kbit'\nlimit = 1\nshared = true\n",
    },
    Family {
        name: "receiver pause",
        summary: "the server stops for half a second after its fifth delivery or execution",
        faults: "[[fault]]\nevent = { host = 'server', name = 'delivered' }\nnth = 5\n\
                 action = 'pause'\nhost = 'server'\nfor = '500ms'\noptional = true\n\
                 [[fault]]\nevent = { host = 'server', name = 'executed' }\nnth = 5\n\
                 action = 'pause'\nhost = 'server'\nfor = '500ms'\noptional = true\n",
    },
    Family {
        name: "receiver crash",
        summary: "the server crashes at its fifth delivery or execution and is back after 500 ms",
        faults: "[[fault]]\nevent = { host = 'server', name = 'delivered' }\nnth = 5\n\
                 action = 'crash'\nhost = 'server'\nfor = '500ms'\noptional = true\n\
                 [[fault]]\nevent = { host = 'server', name = 'executed' }\nnth = 5\n\
                 action = 'crash'\nhost = 'server'\nfor = '500ms'\noptional = true\n",
    },
    Family {
        name: "sender crash",
        summary: "client-1 crashes when it issues its fifth operation and is back after 500 ms",
        faults: "[[fault]]\nevent = { host = 'client-1', name = 'invoked' }\nnth = 5\n\
                 action = 'crash'\nhost = 'client-1'\nfor = '500ms'\n",
    },
];
