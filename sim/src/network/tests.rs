//! Properties of the network as a whole.
