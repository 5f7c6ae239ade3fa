//! ABIs and bytecode of contracts/, compiled by foundry-compilers.
