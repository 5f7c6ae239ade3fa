//! The rollup as seen from L1: events and blobs in, slot view and L2 state out.
