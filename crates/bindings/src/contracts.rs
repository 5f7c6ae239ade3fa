//! Types, events, errors, calls and instances, generated from `contracts/` by the build script.
//!
//! Structs and enums of the interfaces stand at the top (`Header`, `Phase`, …); what an interface declares
//! stands in the module of its name (`IRollup::Proposed`, `IRollup::proposeCall`,
//! `IRollup::IRollupInstance`).
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, rustdoc::all)]

include!(concat!(env!("OUT_DIR"), "/sol.rs"));

pub use token::IERC20;

/// The staking and fee token.
mod token {
    alloy::sol! {
        #![sol(rpc, abi, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]

        interface IERC20 {
            event Transfer(address indexed from, address indexed to, uint256 value);
            event Approval(address indexed owner, address indexed spender, uint256 value);

            // EIP-6093
            error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
            error ERC20InvalidSender(address sender);
            error ERC20InvalidReceiver(address receiver);
            error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
            error ERC20InvalidApprover(address approver);
            error ERC20InvalidSpender(address spender);
            error SafeERC20FailedOperation(address token);

            function totalSupply() external view returns (uint256);
            function balanceOf(address account) external view returns (uint256);
            function transfer(address to, uint256 value) external returns (bool);
            function allowance(address owner, address spender) external view returns (uint256);
            function approve(address spender, uint256 value) external returns (bool);
            function transferFrom(address from, address to, uint256 value) external returns (bool);
            function name() external view returns (string memory);
            function symbol() external view returns (string memory);
            function decimals() external view returns (uint8);
        }
    }
}
