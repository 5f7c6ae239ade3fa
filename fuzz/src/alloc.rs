//! The bound on what a decoder allocates.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `decode` and checks that it never holds more than `limit` bytes more than before.
///
/// # Panics
/// When it does. Other threads must not allocate meanwhile.
pub fn bounded<T>(limit: usize, decode: impl FnOnce() -> T) -> T {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let value = decode();
    let used = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(used <= limit, "expected at most {limit} bytes allocated, got {used}");
    value
}
